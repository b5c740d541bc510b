import { envoy } from '../../gen/wire.js'
import type { AppliedAnswer, AskingGateway, GatewayRequest } from './gateway.js'
import { headerMap } from './gateway.js'
import { plainToStruct, structToPlain } from './struct-to-plain.js'

export interface AgentgatewayOptions {
  /** `includeRequestBody`; undefined: bodies are not forwarded. In Kubernetes: `{ asBytes: false, partial: true }`. */
  readonly body?: { readonly max: number; readonly partial: boolean; readonly asBytes: boolean } | undefined
  /** What `jwtAuth` verified: then the Authorization header is gone. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** What `grpc.metadata` came to; it takes the place of the entry of jwtAuth. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** `grpc.context`. */
  readonly context?: Readonly<Record<string, string>>
  readonly principal?: string
}

/** Standalone, as our documentation configures it. */
export const standalone = {
  body: { max: 1024 * 1024, partial: false, asBytes: true },
} as const satisfies AgentgatewayOptions
/** With a control plane, which knows no other form. */
export const kubernetes = {
  body: { max: 1024 * 1024, partial: true, asBytes: false },
} as const satisfies AgentgatewayOptions

/** agentgateway's ext_authz client, by what was seen of 75b4e6c (after v1.4.1). */
export function agentgateway(options: AgentgatewayOptions): AskingGateway {
  return {
    check: request => checkOf(request, options),
    apply: (request, answer) => applyTo(request, answer, options),
  }
}

function checkOf(request: GatewayRequest, options: AgentgatewayOptions): Buffer | undefined {
  const body = bodyOf(request.body, options.body)
  if (body === undefined) return undefined
  const { method, authority, target } = request
  const metadata =
    options.metadata ??
    (options.claims === undefined ? {} : { 'envoy.filters.http.jwt_authn': { jwt_payload: options.claims } })
  return Buffer.from(
    envoy.service.auth.v3.CheckRequest.encode({
      attributes: {
        source: {
          address: { socketAddress: { address: '203.0.113.9', portValue: 40000 } },
          principal: options.principal ?? '',
        },
        request: {
          http: {
            ...{ method, scheme: 'http', host: authority, path: target },
            headers: shownHeaders(request, options),
            ...body,
          },
        },
        contextExtensions: options.context ?? {},
        metadataContext: {
          filterMetadata: Object.fromEntries(
            Object.entries(metadata).map(([namespace, values]) => [namespace, plainToStruct(values)]),
          ),
        },
      },
    }).finish(),
  )
}

/** undefined: 413, and nobody is asked. */
function bodyOf(body: Buffer | undefined, options: AgentgatewayOptions['body']) {
  if (options === undefined || body === undefined || body.length === 0) return {}
  if (body.length > options.max && !options.partial) return undefined
  const shown = body.subarray(0, options.max)
  const size = body.length > options.max ? -1 : body.length
  // Invalid bytes become U+FFFD; the size stays that of the bytes.
  return options.asBytes ? { rawBody: shown, size } : { body: shown.toString('utf8'), size }
}

function shownHeaders(request: GatewayRequest, options: AgentgatewayOptions): Record<string, string> {
  const shown: [string, string][] = [
    [':method', request.method],
    [':scheme', 'http'],
    [':authority', request.authority],
    [':path', request.target],
  ]
  const headers = headersWithin(request, options)
  // Of a chunked body nobody knows the length; of both at once neither is shown.
  const declared = headers.has('content-length') || headerMap(request).has('transfer-encoding')
  if (!declared && request.body !== undefined) headers.set('content-length', [String(request.body.length)])
  for (const [name, values] of headers) {
    const joined = values
      .map(value => Buffer.from(value, 'latin1').toString('utf8'))
      .join(name === 'cookie' ? '; ' : ', ')
    shown.push([name, joined])
  }
  return Object.fromEntries(shown)
}

/** What the gateway keeps: of several Host headers the first, as authority; no Authorization behind jwtAuth. */
function headersWithin(request: GatewayRequest, options: AgentgatewayOptions): Map<string, string[]> {
  const headers = headerMap(request)
  headers.delete('host')
  if (options.claims !== undefined || options.metadata !== undefined) headers.delete('authorization')
  // Both at once: chunked wins.
  if (headers.has('content-length') && headers.has('transfer-encoding')) headers.delete('content-length')
  headers.delete('transfer-encoding')
  return headers
}

const fallback = { to: 'client', status: 403, headers: [['content-type', 'text/plain']] } as const

function applyTo(request: GatewayRequest, answer: Uint8Array, options: AgentgatewayOptions): AppliedAnswer {
  const response = envoy.service.auth.v3.CheckResponse.decode(answer)
  const metadata = structToPlain(response.dynamicMetadata)
  // No status at all is an allow.
  if ((response.status?.code ?? 0) !== 0) {
    const denied = response.deniedResponse
    if (!denied) return { outcome: { ...fallback, body: 'external authorization failed' }, metadata }
    const code = denied.status?.code ?? 0
    const status = code >= 100 && code <= 599 ? code : 403
    const replies = (denied.headers ?? []).map(({ header }) => [header?.key ?? '', header?.value ?? ''] as const)
    return { outcome: { to: 'client', status, headers: replies, body: denied.body ?? '' }, metadata }
  }
  const headers = headersWithin(request, options)
  let target = request.target
  for (const name of response.okResponse?.headersToRemove ?? []) headers.delete(name)
  for (const { header, append, appendAction } of response.okResponse?.headers ?? []) {
    const name = (header?.key ?? '').toLowerCase()
    const value = header?.value ?? ''
    // Skipped, each by itself: what the client sent under the name goes on.
    if (value === '' || /[\r\n\0]/.test(value) || !/^:?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) continue
    if (name === ':path') target = value
    const before = headers.get(name)
    const appends = appendAction ? appendAction > 3 : append?.value === true
    if (appends) headers.set(name, [...(before ?? []), value])
    else if (appendAction === 1 && before !== undefined) continue
    else if (appendAction === 3 && before === undefined) continue
    else headers.set(name, [value])
  }
  return { outcome: { to: 'server', target, headers }, metadata }
}
