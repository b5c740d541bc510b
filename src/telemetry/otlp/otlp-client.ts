import { type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { packageVersion } from '../../package-version.js'
import { ExportTimeout } from './export-queue.js'
import { createOtlpAgent } from './otlp-agent.js'
import type { OtlpSettings } from './otlp-settings.js'

/** What a collector answers in a case of success is a few bytes; nobody can make us keep more. */
const maxAnswerBytes = 64 * 1024

/** The collector did not take it. `code`: the HTTP status, or that of the system's error. */
export class OtlpFailure extends Error {
  readonly code: number | string
  /** Whether sending it again may help (OTLP specification, "Failures"). */
  readonly retryable: boolean
  /** How long the collector asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(code: number | string, retryable: boolean, retryAfterMs?: number) {
    super('the collector did not take it')
    this.code = code
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

export type OtlpAnswer =
  | { readonly ok: true; readonly body: Buffer }
  | { readonly ok: false; readonly error: OtlpFailure | ExportTimeout }

/** Posts messages of OTLP over one kept connection. Follows no redirect: credentials go where they were meant to go. */
export interface OtlpClient {
  /** Never rejects. */
  post(message: Uint8Array): Promise<OtlpAnswer>
  /** Ends what is under way: it keeps no process. */
  close(): void
}

const compress = promisify(gzip)

/**
 * Throws when a certificate cannot be read.
 * @param exportMs milliseconds after which nobody waits for an answer any more, however long one may take: what goes on
 * beyond would hold the connection, and what is sent later would wait behind it
 */
export function createOtlpClient(settings: Omit<OtlpSettings, 'resource'>, exportMs: number): OtlpClient {
  const { url, headers, compression } = settings
  const timeoutMs = Math.min(settings.timeoutMs, exportMs)
  const agent = createOtlpAgent(settings)
  const request = /^https:/i.test(url) ? httpsRequest : httpRequest
  const open = new Set<ClientRequest>()
  let closed = false

  function exchange(body: Uint8Array): Promise<OtlpAnswer> {
    return new Promise(resolve => {
      const fail = (error: OtlpFailure | ExportTimeout) => {
        end({ ok: false, error })
        sent.destroy()
      }
      const sent = request(url, {
        method: 'POST',
        agent,
        headers: {
          'user-agent': `mcp-authz/${packageVersion}`,
          ...headers,
          'content-type': 'application/x-protobuf',
          'content-length': body.length,
          ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
        },
      })
      const timer = setTimeout(() => fail(new ExportTimeout()), timeoutMs)
      const end = (answer: OtlpAnswer) => {
        clearTimeout(timer)
        open.delete(sent)
        resolve(answer)
      }
      open.add(sent)
      sent.on('error', error => end({ ok: false, error: new OtlpFailure(codeOf(error), true) }))
      // Also where it was destroyed before anything came.
      sent.on('close', () => end({ ok: false, error: new OtlpFailure('ECONNRESET', true) }))
      sent.on('response', response => {
        const pieces: Buffer[] = []
        let bytes = 0
        response.on('data', (piece: Buffer) => {
          bytes += piece.length
          if (bytes > maxAnswerBytes) fail(new OtlpFailure('EMSGSIZE', false))
          else pieces.push(piece)
        })
        response.on('error', error => end({ ok: false, error: new OtlpFailure(codeOf(error), true) }))
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (status >= 200 && status < 300) end({ ok: true, body: Buffer.concat(pieces) })
          else
            end({
              ok: false,
              error: new OtlpFailure(status, retryable.has(status), retryAfter(response.headers['retry-after'])),
            })
        })
      })
      sent.end(body)
    })
  }

  return {
    async post(message) {
      try {
        const body = compression === 'gzip' ? await compress(message) : message
        if (closed) return { ok: false, error: new OtlpFailure('ECANCELED', false) }
        return await exchange(body)
      } catch (error) {
        // Such as a header that Node does not send.
        return { ok: false, error: new OtlpFailure(codeOf(error), false) }
      }
    },
    close() {
      closed = true
      for (const one of [...open]) one.destroy()
      agent.destroy()
    },
  }
}

/** OTLP specification, "Retryable Response Codes". */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504])

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'EIO'
}

/** RFC 9110, section 10.2.3: seconds; the form with a date is passed over. */
function retryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^[0-9]{1,5}$/.test(header) ? Number(header) * 1000 : undefined
}
