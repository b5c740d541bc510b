import type { HostileBody, HostileCase } from '../case.js'

/** Where the Servers of the corpus stand, and the token that `{token}` stands for. */
export interface CasePlace {
  /** Host and port, as in `Host` or `:authority`. */
  readonly authority: string
  readonly token: string
}

/** A request of the corpus with its defaults filled in, before any transport is chosen. */
export interface CaseRequest {
  readonly method: string
  readonly authority: string
  /** Raw path, with the raw query behind it. */
  readonly target: string
  /**
   * In the order in which they are sent; names as the case spells them, which HTTP/1.1 sends as they are and HTTP/2 in
   * lower case. Each character of a value is one byte (latin-1). Without host and content-length, unless the case names them.
   */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
}

/** The Server that a case is for. */
export function serverOf(one: HostileCase): string {
  return one.server ?? 'open'
}

/** Fills in what a case leaves to its defaults. A case with `raw` has no such request. */
export function caseRequest(one: HostileCase, place: CasePlace): CaseRequest {
  const { request } = one
  if (request === undefined) throw new Error(`${one.name} is written as raw bytes`)
  const own = (request.headers ?? []).map(
    ([name, value]) => [name, value.replaceAll('{token}', place.token).replaceAll('{host}', place.authority)] as const,
  )
  const absent = new Set([...(request.without ?? []), ...own.map(([name]) => name)].map(name => name.toLowerCase()))
  const method = request.method ?? 'POST'
  const defaults = [
    ...(method === 'POST' ? [['content-type', 'application/json'] as const] : []),
    ['accept', 'application/json, text/event-stream'],
    ['authorization', `Bearer ${place.token}`],
  ] as const
  const path = request.path ?? `/${serverOf(one)}`
  return {
    method,
    authority: request.authority?.replaceAll('{host}', place.authority) ?? place.authority,
    target: request.query === undefined ? path : `${path}?${request.query}`,
    headers: [...defaults.filter(([name]) => !absent.has(name)), ...own],
    body: request.body === undefined ? undefined : bodyBytes(request.body),
  }
}

/** The bytes of a body, whichever way it is written. */
export function bodyBytes(body: HostileBody): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  if ('base64' in body) return Buffer.from(body.base64, 'base64')
  return Buffer.from(body.repeat.map(([text, times]) => text.repeat(times)).join(''), 'utf8')
}
