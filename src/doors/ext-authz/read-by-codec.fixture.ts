import { envoy } from '../../../gen/wire.js'
import { gatewayBody } from '../../protocol/gateway-body.js'
import type { GatewayProfile, InboundRequest } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import { headerText } from '../envoy/read-header-map.js'
import { structToJson } from '../envoy/struct-value.js'
import { askingSpan } from '../envoy/trace-parent.js'
import type { ReadCheckRequest } from './read-check-request.js'
import { readPeerCertificate } from './read-peer-certificate.js'
import { withShownToken } from './shown-token.js'

type AttributeContext = envoy.service.auth.v3.IAttributeContext

/** What readCheckRequest did when the generated codec read the bytes for it: the oracle of its tests. */
export function readByCodec(bytes: Uint8Array, listener: InboundRequest['listener']): ReadCheckRequest {
  let attributes: AttributeContext | null | undefined
  try {
    attributes = envoy.service.auth.v3.CheckRequest.decode(bytes).attributes
  } catch {
    return { ok: false, detail: 'the CheckRequest is not valid protobuf' }
  }
  const http = attributes?.request?.http
  if (!attributes || !http) return { ok: false, detail: 'the CheckRequest has no attributes.request.http' }

  const read = readHeaders(http, listener.profile)
  const target = agreed(read, ':path', http.path ?? '')
  const method = agreed(read, ':method', http.method ?? '')
  const authority = agreed(read, ':authority', http.host ?? '')
  const scheme = agreed(read, ':scheme', http.scheme ?? '')
  if (target === undefined || method === undefined || authority === undefined || scheme === undefined) {
    return { ok: false, detail: 'the CheckRequest contradicts itself: its pseudo headers are not its attributes' }
  }

  const routeMetadata = readMetadata(attributes.routeMetadataContext)
  const filterMetadata = readMetadata(attributes.metadataContext)
  if (routeMetadata === undefined || filterMetadata === undefined) {
    return { ok: false, detail: 'metadata of the CheckRequest is too large, too deep or not JSON' }
  }

  const shown = withShownToken(read.headers, filterMetadata, listener.profile)
  const { headers } = shown
  const question = target.indexOf('?')
  const request: InboundRequest = {
    method,
    scheme,
    authority,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    headers,
    body: gatewayBody(listener.profile, {
      method,
      headers,
      rawBody: http.rawBody ?? noBytes,
      textBody: http.body ?? '',
      // The codec makes a Long of it where the package of that name is installed, whatever its types say.
      size: Number(http.size ?? 0),
    }),
    peer: {
      address: attributes.source?.address?.socketAddress?.address ?? '',
      principal: attributes.source?.principal ?? '',
      ...readPeerCertificate(attributes.source?.certificate ?? ''),
    },
    context: {
      extensions: readExtensions(attributes.contextExtensions),
      routeMetadata,
      filterMetadata: shown.filterMetadata,
    },
    traceparent: askingSpan(undefined, headers.one('traceparent')),
    deadline: undefined,
    listener,
  }
  return { ok: true, request }
}

const noBytes = new Uint8Array(0)
const noExtensions: ReadonlyMap<string, string> = new Map()
const noMetadata: ReadonlyMap<string, JsonObject> = new Map()

/**
 * The value that both places state. Envoy sanitises the attribute to UTF-8, the raw header it leaves alone: where they
 * differ, the attribute is not what the server will see, and there is no safe choice.
 */
function agreed({ pseudo }: ReadHeaders, name: string, attribute: string): string | undefined {
  const values = pseudo.get(name)
  if (values === undefined) return attribute
  return values.every(value => value === attribute) ? attribute : undefined
}

function readExtensions(extensions: Readonly<Record<string, string>> | null | undefined): ReadonlyMap<string, string> {
  const entries = Object.entries(extensions ?? {})
  return entries.length === 0 ? noExtensions : new Map(entries)
}

function readMetadata(
  metadata: envoy.config.core.v3.IMetadata | null | undefined,
): ReadonlyMap<string, JsonObject> | undefined {
  const entries = Object.entries(metadata?.filterMetadata ?? {})
  if (entries.length === 0) return noMetadata
  const read = new Map<string, JsonObject>()
  for (const [namespace, struct] of entries) {
    const object = structToJson(struct)
    if (object === undefined) return undefined
    read.set(namespace, object)
  }
  return read
}

interface ReadHeaders {
  readonly headers: RequestHeaders
  /** `:method`, `:path` and so on; a repeated one keeps every value. */
  readonly pseudo: ReadonlyMap<string, readonly string[]>
}

/**
 * Headers of a check request. `header_map` (Envoy's encode_raw_headers) wins over `headers`, because it keeps repeats
 * apart and bytes as they are; a gateway fills one of them.
 */
function readHeaders(
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
