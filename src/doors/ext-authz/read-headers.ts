import type { envoy } from '../../../gen/wire.js'
import type { GatewayProfile } from '../../protocol/inbound-request.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import { headerText } from '../envoy/read-header-map.js'

export interface ReadHeaders {
  readonly headers: RequestHeaders
  /** `:method`, `:path` and so on; a repeated one keeps every value. */
  readonly pseudo: ReadonlyMap<string, readonly string[]>
}

/**
 * Headers of a check request. `header_map` (Envoy's encode_raw_headers) wins over `headers`, because it keeps repeats
 * apart and bytes as they are; a gateway fills one of them.
 */
export function readHeaders(
  http: envoy.service.auth.v3.AttributeContext.IHttpRequest,
  profile: GatewayProfile = 'envoy',
): ReadHeaders {
  const entries: [string, string][] = []
  const pseudo = new Map<string, string[]>()
  const add = (key: string, value: string) => {
    // Gateways send lower case. A name that does not may not hide from us behind its capitals.
    const name = key.toLowerCase()
    if (!name.startsWith(':')) {
      entries.push([name, value])
      return
    }
    const seen = pseudo.get(name)
    if (seen === undefined) pseudo.set(name, [value])
    else seen.push(value)
  }
  const list = http.headerMap?.headers ?? []
  if (list.length > 0) {
    for (const { key, value, rawValue } of list) add(key ?? '', rawValue?.length ? headerText(rawValue) : (value ?? ''))
  } else {
    const { headers } = http
    // agentgateway writes U+FFFD itself, and "!" only where the client did.
    const value = profile === 'agentgateway' ? asShown : unfiltered
    for (const key in headers) if (Object.hasOwn(headers, key)) add(key, value(key, headers[key] ?? ''))
  }
  return { headers: RequestHeaders.from(entries), pseudo }
}

/**
 * Without encode_raw_headers Envoy writes "!" for every byte that is not UTF-8, and the server gets the bytes. Which of the
 * two it was cannot be known: a value that holds one counts as one that is no visible ASCII.
 */
function unfiltered(key: string, value: string): string {
  return key.startsWith(':') || !value.includes('!') ? value : value.replaceAll('!', '\ufffd')
}

function asShown(_key: string, value: string): string {
  return value
}
