import { Agent, request } from 'undici'

export interface FetchRequest {
  readonly url: string
  readonly accept: string
  /** PEM; replaces the system's roots. */
  readonly certificateAuthority: string | undefined
}

export type Fetched =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string }

/** Gets a small document. Never rejects. */
export type Fetcher = (request: FetchRequest) => Promise<Fetched>

export interface FetchLimits {
  /** Milliseconds for everything: connection, headers, body. Default 5000. */
  readonly timeout?: number
  /** Bytes of the body. Default 1 MiB. */
  readonly maxBytes?: number
}

/**
 * A fetcher for keys: one total time-out, a size limit while reading, and no redirects at all, because a redirect could
 * lead from the issuer that the operator named to one that somebody else did.
 */
export function createFetcher({ timeout = 5000, maxBytes = 1024 * 1024 }: FetchLimits = {}): Fetcher {
  return async ({ url, accept, certificateAuthority }) => {
    const dispatcher = new Agent({
      connect: { timeout, ...(certificateAuthority !== undefined && { ca: certificateAuthority }) },
      headersTimeout: timeout,
      bodyTimeout: timeout,
    })
    try {
      const signal = AbortSignal.timeout(timeout)
      const response = await request(url, { dispatcher, signal, headers: { accept } })
      if (response.statusCode !== 200)
        return { ok: false, message: `${url} answered ${response.statusCode}${redirectNote(response.statusCode)}` }
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of response.body) {
        if (!(chunk instanceof Uint8Array))
          return { ok: false, message: `${url} answered with something that is not bytes` }
        size += chunk.length
        if (size > maxBytes) return { ok: false, message: `${url} answered with more than ${maxBytes} bytes` }
        chunks.push(chunk)
      }
      return { ok: true, bytes: Buffer.concat(chunks) }
    } catch (error) {
      return { ok: false, message: `${url} cannot be read: ${describe(error, timeout)}` }
    } finally {
      // Keys are fetched every few minutes: a connection of its own each time is cheap, a stale one is trouble.
      dispatcher.destroy().catch(() => undefined)
    }
  }
}

function redirectNote(status: number): string {
  return status >= 300 && status < 400 ? '; redirects are not followed, configure the final URL' : ''
}

function describe(error: unknown, timeout: number): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return `no complete answer within ${timeout} ms`
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return error.message !== '' ? error.message : (code ?? error.name)
}
