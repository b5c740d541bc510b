import { isUtf8 } from 'node:buffer'
import type { envoy } from '../../../gen/wire.js'
import { RequestHeaders } from '../../protocol/request-headers.js'

export interface ReadHeaderMap {
  readonly headers: RequestHeaders
  /** `:method`, `:status` and so on; a repeated one keeps every value. */
  readonly pseudo: ReadonlyMap<string, readonly string[]>
}

/** A HeaderMap of Envoy: repeats apart, raw bytes before text. */
export function readHeaderMap(map: envoy.config.core.v3.IHeaderMap | null | undefined): ReadHeaderMap {
  const entries: [string, string][] = []
  const pseudo = new Map<string, string[]>()
  for (const { key, value, rawValue } of map?.headers ?? []) {
    // Gateways send lower case. A name that does not may not hide from us behind its capitals.
    const name = (key ?? '').toLowerCase()
    const said = rawValue?.length ? headerText(rawValue) : (value ?? '')
    if (!name.startsWith(':')) {
      entries.push([name, said])
      continue
    }
    const seen = pseudo.get(name)
    if (seen === undefined) pseudo.set(name, [said])
    else seen.push(said)
  }
  return { headers: RequestHeaders.from(entries), pseudo }
}

/** UTF-8 where it is valid, else one character per byte: never a replacement character that would equal another value. */
export function headerText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString('utf8') : buffer.toString('latin1')
}
