import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { askingSpan } from '../envoy/trace-parent.js'
import type { RequestHead, ResponseHead } from './exchange-processor.js'
import type { Part } from './read-processing-request.js'

type Headers = Part & { kind: 'headers' }

/** Under this name Envoy sends the attributes that its filter was told to ask for. */
const attributesName = 'envoy.filters.http.ext_proc'

/** gRPC metadata of the stream that stand for context extensions: the operator sets them per filter or per route. */
export const extensionNames = ['mcp-server', 'mcp-tenant', 'mcp-max-request-bytes'] as const

export interface RequestSurroundings {
  readonly listener: InboundRequest['listener']
  /** Milliseconds since the epoch at which the gateway stops waiting; undefined when it did not say. */
  readonly deadline: number | undefined
  metadata(name: string): string | undefined
}

/** undefined: a pseudo header is missing, or there are two that may differ. */
export function readRequestHead(part: Headers, around: RequestSurroundings): RequestHead | undefined {
  const { headers, pseudo } = part.head
  const one = (name: string) => {
    const values = pseudo.get(name)
    return values?.length === 1 ? values[0] : undefined
  }
  const method = one(':method')
  const target = one(':path')
  const authority = one(':authority')
  if (method === undefined || target === undefined || authority === undefined) return undefined
  const question = target.indexOf('?')
  const attributes = part.attributes.get(attributesName)
  return {
    method,
    scheme: one(':scheme') ?? '',
    authority,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    headers,
    peer: {
      address: withoutPort(textOf(attributes, 'source.address')),
      principal: principalOf(attributes),
      ...thumbprintOf(attributes),
    },
    context: { extensions: readExtensions(around), routeMetadata: none, filterMetadata: part.metadata },
    traceparent: askingSpan(around.metadata('traceparent'), headers.one('traceparent')),
    deadline: around.deadline,
    listener: around.listener,
    endOfStream: part.endOfStream,
  }
}

/** undefined: there is no status, or none that HTTP has. */
export function readResponseHead(part: Headers, unannounced: boolean): ResponseHead | undefined {
  const values = part.head.pseudo.get(':status')
  const text = values?.length === 1 ? (values[0] ?? '') : ''
  if (!/^[1-9]\d\d$/.test(text)) return undefined
  const { endOfStream, metadata } = part
  return { status: Number(text), headers: part.head.headers, metadata, endOfStream, unannounced }
}

const none: ReadonlyMap<string, JsonObject> = new Map()
const noExtensions: ReadonlyMap<string, string> = new Map()

function readExtensions({ metadata }: RequestSurroundings): ReadonlyMap<string, string> {
  const read = new Map<string, string>()
  for (const name of extensionNames) {
    const value = metadata(name)
    if (value !== undefined) read.set(name, value)
  }
  return read.size === 0 ? noExtensions : read
}

function textOf(attributes: JsonObject | undefined, name: string): string {
  const value = attributes?.get(name)
  return typeof value === 'string' ? value : ''
}

/** As ext_authz has it: the URI SAN, else the DNS SAN, else the subject of the peer's certificate. */
function principalOf(attributes: JsonObject | undefined): string {
  if (attributes?.get('connection.mtls') !== true) return ''
  return (
    textOf(attributes, 'connection.uri_san_peer_certificate') ||
    textOf(attributes, 'connection.dns_san_peer_certificate') ||
    textOf(attributes, 'connection.subject_peer_certificate')
  )
}

const sha256 = /^[0-9A-Fa-f]{64}$/

/** What tokens can be bound to. It needs no authority: whoever has the key of the certificate made the connection. */
function thumbprintOf(attributes: JsonObject | undefined): { readonly certificateThumbprint?: string } {
  const digest = textOf(attributes, 'connection.sha256_peer_certificate_digest')
  return sha256.test(digest) ? { certificateThumbprint: Buffer.from(digest, 'hex').toString('base64url') } : {}
}

/** "10.0.0.1:4711" and "[::1]:4711" without the port. */
function withoutPort(address: string): string {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return address
  const host = address.slice(0, colon)
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
