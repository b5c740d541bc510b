import type { Decision } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { ByteBudget } from '../envoy/byte-budget.js'
import type { BidiReceiver, BidiStream, BidiStreamHandler } from '../grpc/grpc-transport.js'
import { type BodyMode, bodyModes } from './body-plan.js'
import type { CreateExchangeProcessor, ExchangeProcessor } from './exchange-processor.js'
import { ProcessStream } from './process-stream.js'
import { lastResort, writeImmediate } from './write-processing-response.js'

export interface ProcessHandlerOptions {
  readonly createProcessor: CreateExchangeProcessor
  readonly listener: InboundRequest['listener']
  /** Milliseconds; default 900, below the message_timeout of one second in our configurations. */
  readonly answerWithinMs?: number
  /** Bytes, default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Bytes of one body that the door collects where the gateway does not; default 4 MiB. */
  readonly maxBufferedBytes?: number
  /** Bytes of all bodies that the door collects at the same time; what is beyond ends in an error. Default 256 MiB. */
  readonly maxBufferedTotalBytes?: number
  /** Exchanges at the same time, over all connections; further ones end with an error. Default 4096. */
  readonly maxOpenStreams?: number
  /** The gateway follows overrides of its modes (allow_mode_override). Default true. */
  readonly modeOverride?: boolean
  /**
   * Who buffers the body of a response that a processor wants in one piece, where the configuration leaves it open.
   * `door`: FULL_DUPLEX_STREAMED, up to maxBufferedBytes. `gateway`: BUFFERED, up to the buffer limit of the gateway;
   * what is larger may hang in it (Envoy 1.40) until {@link bodyWithinMs} has passed. Default door.
   */
  readonly buffering?: 'gateway' | 'door'
  /** How long a gateway that was asked to buffer may take to show a body. Milliseconds, default 10000. */
  readonly bodyWithinMs?: number
  /** Something is broken, in us or in the gateway's configuration. `detail` holds nothing of the exchange. */
  onError(detail: string, error?: unknown): void
  /** The door ended an exchange with an error by itself. For the log and the metrics. */
  onEmergency?(decision: Decision): void
}

/** The streams of one door. Whatever happens inside, an exchange goes on as a processor said, or ends in an error. */
export function createProcessHandler(options: ProcessHandlerOptions): BidiStreamHandler {
  const maxOpenStreams = options.maxOpenStreams ?? 4096
  const bufferAs: BodyMode = options.buffering === 'gateway' ? bodyModes.BUFFERED : bodyModes.FULL_DUPLEX_STREAMED
  let open = 0
  let overrideFollowed = false

  const report = (detail: string, error?: unknown) => {
    try {
      options.onError(detail, error)
    } catch {
      // A broken log must not change an answer.
    }
  }
  const onEmergency = (decision: Decision) => {
    try {
      options.onEmergency?.(decision)
    } catch (error) {
      report('an error of the door could not be recorded', error)
    }
  }
  const streamOptions = {
    listener: options.listener,
    answerWithinMs: options.answerWithinMs ?? 900,
    maxMessageBytes: options.maxMessageBytes ?? 5 * 1024 * 1024,
    maxBufferedBytes: options.maxBufferedBytes ?? 4 * 1024 * 1024,
    budget: new ByteBudget(options.maxBufferedTotalBytes),
    modeOverride: options.modeOverride ?? true,
    bufferAs,
    bodyWithinMs: options.bodyWithinMs ?? 10_000,
    report,
    onEmergency,
    onOverrideFollowed: () => {
      overrideFollowed = true
    },
    onOverrideUnseen: () => {
      // Clients go away at any time; but where no override was ever followed, bodies pass unseen.
      if (!overrideFollowed) report('a body that we asked for was not shown: is allow_mode_override on?')
    },
  }
  const refusing = (stream: BidiStream, decision: Decision): BidiReceiver => {
    onEmergency(decision)
    const { answer } = decision
    const written = answer.kind === 'respond' ? writeImmediate(answer) : undefined
    return {
      // The answer must follow a question.
      onMessage: () => {
        stream.send(written?.ok ? written.bytes : lastResort)
        stream.end()
        return undefined
      },
      onEnd: () => stream.end(),
    }
  }

  return (stream, context) => {
    if (open >= maxOpenStreams) {
      report('too many exchanges are open: raise maxOpenStreams, or run more replicas')
      const reason = 'dependency.overloaded'
      return refusing(stream, emergencyDecision(reason, 'The authorization service has too many requests waiting'))
    }
    let processor: ExchangeProcessor
    try {
      processor = options.createProcessor()
    } catch (error) {
      report('a processor could not be made', error)
      return refusing(stream, emergencyDecision('internal.error', 'The authorization service failed'))
    }
    open++
    stream.onClose(() => {
      open--
    })
    return new ProcessStream(stream, context, processor, streamOptions)
  }
}
