import { setTimeout as sleep } from 'node:timers/promises'
import type {
  BidiStream,
  BidiStreamHandler,
  GrpcService,
  ServerStream,
  UnaryHandler,
} from '../../../src/doors/grpc/grpc-transport.js'
import {
  type EchoStatus,
  inputRequest,
  inputResponse,
  type Part,
  payloadResponse,
  type StreamRequest,
  streamRequest,
  unaryRequest,
} from './interop-messages.js'

export const paths = {
  empty: '/grpc.testing.TestService/EmptyCall',
  unary: '/grpc.testing.TestService/UnaryCall',
  output: '/grpc.testing.TestService/StreamingOutputCall',
  input: '/grpc.testing.TestService/StreamingInputCall',
  fullDuplex: '/grpc.testing.TestService/FullDuplexCall',
  halfDuplex: '/grpc.testing.TestService/HalfDuplexCall',
} as const

export interface TestService extends GrpcService {
  /** Streams that have not been closed. */
  open(): number
  /** Streams that there have been. */
  opened(): number
  /** Where unary calls came from: one for each connection of TCP. */
  readonly peers: Set<string>
}

/**
 * grpc.testing.TestService, on the interface that our doors use. It knows neither metadata of answers nor a choice of status, because
 * doors answer in messages: a status that is asked for becomes a handler that fails.
 */
export function createTestService(): TestService {
  let opened = 0
  let closed = 0
  const peers = new Set<string>()
  const count = (stream: ServerStream | BidiStream): AbortSignal => {
    const ended = new AbortController()
    opened++
    stream.onClose(() => {
      closed++
      ended.abort()
    })
    return ended.signal
  }
  return {
    open: () => opened - closed,
    opened: () => opened,
    peers,
    unary: new Map<string, UnaryHandler>([
      [paths.empty, () => Buffer.alloc(0)],
      [
        paths.unary,
        (bytes, context) => {
          peers.add(context.peer)
          const { responseSize, wantsServerId, status } = unaryRequest.decode(bytes)
          refuse(status)
          return payloadResponse.encode(responseSize, wantsServerId ? 'the only one' : '')
        },
      ],
    ]),
    serverStreams: new Map([
      [
        paths.output,
        (bytes, _context, stream) => {
          const signal = count(stream)
          void sendParts(stream, streamRequest.decode(bytes).parts, signal).then(() => stream.end())
        },
      ],
    ]),
    bidiStreams: new Map<string, BidiStreamHandler>([
      [
        // One answer to many messages: on the wire it is a stream in both directions.
        paths.input,
        stream => {
          count(stream)
          let sum = 0
          return {
            onMessage: bytes => {
              sum += inputRequest.decode(bytes)
              return undefined
            },
            onEnd: () => {
              stream.send(inputResponse.encode(sum))
              stream.end()
            },
          }
        },
      ],
      [
        paths.fullDuplex,
        stream => {
          const signal = count(stream)
          return {
            onMessage: bytes => {
              const { parts, status } = streamRequest.decode(bytes)
              refuse(status)
              return sendParts(stream, parts, signal)
            },
            onEnd: () => stream.end(),
          }
        },
      ],
      [
        paths.halfDuplex,
        stream => {
          const signal = count(stream)
          const requests: StreamRequest[] = []
          return {
            onMessage: bytes => {
              requests.push(streamRequest.decode(bytes))
              return undefined
            },
            onEnd: () => {
              const parts = requests.flatMap(request => request.parts)
              void sendParts(stream, parts, signal).then(() => stream.end())
            },
          }
        },
      ],
    ]),
  }
}

function refuse({ code }: EchoStatus): void {
  if (code !== 0) throw new Error('a handler cannot choose a status')
}

/** Sends one after the other, as fast as the stream takes them; resolves early when it has closed. */
async function sendParts(
  stream: ServerStream | BidiStream,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<void> {
  for (const { size, intervalUs } of parts) {
    if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    await stream.send(payloadResponse.encode(size))
  }
}
