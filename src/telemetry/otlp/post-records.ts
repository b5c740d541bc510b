import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { packageVersion } from '../../package-version.js'
import type { LogSettings } from './log-settings.js'
import { createOtlpClient } from './otlp-client.js'
import { otlpResource } from './otlp-resource.js'
import { type LogOrigin, toLogRecord } from './to-log-record.js'

export interface RecordPost {
  /** Resolves to how many of them the collector did not want, or to what went wrong with all of them. Never rejects. */
  post(lines: readonly string[]): Promise<{ readonly rejected: number } | { readonly error: unknown }>
  close(): void
}

/** Lines that are converted in one turn of the event loop: about a millisecond, which is how long a decision waits for it. */
const perTurn = 16

/** Throws when a certificate cannot be read. */
export function createRecordPost(settings: LogSettings): RecordPost {
  const client = createOtlpClient(settings, settings.queue.exportMs)
  const origin: LogOrigin = {
    resource: otlpResource(settings),
    instrumentationScope: { name: 'mcp-authz', version: packageVersion },
  }
  return {
    async post(lines) {
      try {
        const observed = Date.now()
        const messages: Uint8Array[] = []
        for (let from = 0; from < lines.length; from += perTurn) {
          if (from > 0) await new Promise(resolve => setImmediate(resolve))
          const records = lines.slice(from, from + perTurn).map(line => toLogRecord(line, observed, origin))
          const message = ProtobufLogsSerializer.serializeRequest(records)
          if (message === undefined) return { error: new Error('nothing to send') }
          messages.push(message)
        }
        // Messages of protobuf one behind the other are one message with the elements of all of them.
        const message = Buffer.concat(messages)
        const answer = await client.post(message)
        return answer.ok ? { rejected: Math.min(lines.length, rejectedOf(answer.body)) } : { error: answer.error }
      } catch (error) {
        return { error }
      }
    },
    close: () => client.close(),
  }
}

/** OTLP specification, "Partial Success". What cannot be read says nothing. */
function rejectedOf(body: Buffer): number {
  if (body.length === 0) return 0
  try {
    const rejected = Number(ProtobufLogsSerializer.deserializeResponse(body).partialSuccess?.rejectedLogRecords ?? 0)
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0
  } catch {
    return 0
  }
}
