import type { HeaderField } from './hpack/header-field.js'

/** What a request says of itself, beside the fields that are read on demand. */
export interface RequestHead {
  readonly method: string
  readonly path: string
  readonly contentType: string
  readonly timeout: string | undefined
  /** -1 when it is not said. */
  readonly contentLength: number
}

/**
 * Reads the fields of a request by the rules of RFC 9113 §8.1.1 to §8.3.1: pseudo-header fields first, each once, and those that must be.
 * @returns undefined if the request is malformed
 */
export function readRequestHead(fields: readonly HeaderField[]): RequestHead | undefined {
  let method = ''
  let path = ''
  let scheme = false
  let authority = false
  let contentType = ''
  let timeout: string | undefined
  let contentLength = -1
  let pseudo = true
  for (const { kind, value } of fields) {
    switch (kind) {
      case 'malformed':
        return undefined
      case 'method':
        if (!pseudo || method !== '') return undefined
        method = value
        break
      case 'path':
        if (!pseudo || path !== '') return undefined
        path = value
        break
      case 'scheme':
        if (!pseudo || scheme) return undefined
        scheme = true
        break
      case 'authority':
        if (!pseudo || authority) return undefined
        authority = true
        break
      case 'content-length': {
        const length = Number(value)
        if (contentLength >= 0 && contentLength !== length) return undefined
        contentLength = length
        pseudo = false
        break
      }
      case 'content-type':
        // Two of them could be read either way.
        if (contentType !== '') return undefined
        contentType = value
        pseudo = false
        break
      case 'grpc-timeout':
        timeout ??= value
        pseudo = false
        break
      case 'other':
        pseudo = false
    }
  }
  // §8.5: CONNECT has no scheme and no path.
  const connects = method === 'CONNECT'
  if (method === '' || (path !== '') === connects || scheme === connects) return undefined
  return { method, path, contentType, timeout, contentLength }
}

/** Trailers of a request: no pseudo-header fields (§8.1). */
export function areTrailers(fields: readonly HeaderField[]): boolean {
  return fields.every(
    ({ kind }) =>
      kind !== 'malformed' && kind !== 'method' && kind !== 'path' && kind !== 'scheme' && kind !== 'authority',
  )
}

/** Whether messages are what we read: `application/grpc`, also as `+proto`, also with parameters. */
export function isGrpc(contentType: string): boolean {
  if (contentType === 'application/grpc') return true
  const parameters = contentType.indexOf(';')
  const type = (parameters < 0 ? contentType : contentType.slice(0, parameters)).trimEnd().toLowerCase()
  return type === 'application/grpc' || type === 'application/grpc+proto'
}
