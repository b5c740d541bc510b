import { envoy as wire } from '../../gen/wire.js'
import { applyCheckResponse } from './envoy-answer.js'
import { envoyText } from './envoy-text.js'
import type { AskingGateway, GatewayRequest } from './gateway.js'
import { headerMap } from './gateway.js'
import { plainToStruct } from './struct-to-plain.js'

/** Releases that differ in what they send, or in what they make of answers; others are like the one before them. */
export type EnvoyVersion = '1.36' | '1.37.0' | '1.38' | '1.40'

/** `with_request_body`. */
export interface BufferedBody {
  readonly max: number
  /** `allow_partial_message`. */
  readonly partial: boolean
  /** `pack_as_bytes`. */
  readonly asBytes: boolean
}

export interface EnvoyOptions {
  readonly version?: EnvoyVersion
  /** undefined: bodies are not shown. Default: whole, as bytes, up to 1 MiB. */
  readonly body?: BufferedBody | undefined
  /** `encode_raw_headers`. Default true. */
  readonly rawHeaders?: boolean
  /** `context_extensions`. */
  readonly context?: Readonly<Record<string, string>>
  /** Headers that this Envoy writes itself before the filter, over what the client sent under these names. */
  readonly writes?: Readonly<Record<string, string>>
  /** Client's headers that do not come as far as the filter, beside `x-forwarded-client-cert` (default SANITIZE). */
  readonly drops?: (name: string) => boolean
  /** What `metadata_context_namespaces` tell, for a message. */
  metadata?(request: GatewayRequest): Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly routeMetadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Of the client's certificate: first URI SAN, else DNS SAN, else subject. */
  readonly principal?: string
}

export const partialHeader = 'x-envoy-auth-partial-body'
export const wholeBody: BufferedBody = { max: 1024 * 1024, partial: false, asBytes: true }

/** Headers as Envoy's filters see them: of a repeated content-type its codec makes one, joined by "," (seen in 1.40). */
export function envoyHeaders(request: GatewayRequest): Map<string, string[]> {
  const headers = headerMap(request)
  const types = headers.get('content-type')
  if (types !== undefined) headers.set('content-type', [types.join(',')])
  headers.delete('host')
  return headers
}

/**
 * Envoy's ext_authz filter over gRPC. What 1.40 does here was seen by running it; of the others what sources and
 * changelogs say. Paths are shown as they come: what an Envoy normalises has been normalised before.
 */
export function envoyGateway(options: EnvoyOptions = {}): AskingGateway {
  return {
    check: request => checkOf(request, options),
    apply: (request, answer) => applyCheckResponse(withinEnvoy(request, options), answer, options.version ?? '1.40'),
  }
}

function checkOf(request: GatewayRequest, options: EnvoyOptions): Buffer | undefined {
  const body = shownBody(request.body, 'body' in options ? options.body : wholeBody)
  if (body === undefined) return undefined
  const { method, authority, target } = request
  const metadata = options.metadata?.(request) ?? {}
  return Buffer.from(
    wire.service.auth.v3.CheckRequest.encode({
      attributes: {
        source: {
          address: { socketAddress: { address: '203.0.113.9', portValue: 40000 } },
          principal: options.principal ?? '',
        },
        contextExtensions: options.context ?? {},
        metadataContext: { filterMetadata: structs(metadata) },
        routeMetadataContext: { filterMetadata: structs(options.routeMetadata ?? {}) },
        request: {
          http: {
            ...{ method, scheme: 'https', host: authority, path: target, protocol: 'HTTP/1.1' },
            ...shownHeaders(request, options, body.partial),
            ...body.fields,
          },
        },
      },
    }).finish(),
  )
}

/** undefined: 413 by Envoy, and nobody is asked. */
function shownBody(body: Buffer | undefined, settings: BufferedBody | undefined) {
  if (settings === undefined || body === undefined || body.length === 0) return { partial: undefined, fields: {} }
  const { max, partial, asBytes } = settings
  const cut = body.length > max
  if (cut && !partial) return undefined
  const bytes = body.subarray(0, max)
  // The size is that of what was buffered, also where less of it is shown.
  const fields = { size: body.length, ...(asBytes ? { rawBody: bytes } : { body: envoyText(bytes) }) }
  return { partial: cut, fields }
}

function shownHeaders(request: GatewayRequest, options: EnvoyOptions, partial: boolean | undefined) {
  const kept = envoyHeaders(withinEnvoy(request, options))
  const { body } = request
  if (body !== undefined && !kept.has('content-length') && !kept.has('transfer-encoding')) {
    kept.set('content-length', [String(body.length)])
  }
  if (partial !== undefined) kept.set(partialHeader, [String(partial)])
  const all: (readonly [string, readonly string[]])[] = [
    [':method', [request.method]],
    [':path', [request.target]],
    [':authority', [request.authority]],
    [':scheme', ['https']],
    ...kept,
  ]
  if (options.rawHeaders === false) {
    const text = (value: string) => envoyText(Buffer.from(value, 'latin1'))
    return { headers: Object.fromEntries(all.map(([name, values]) => [name, values.map(text).join(',')])) }
  }
  const entries = all.flatMap(([key, values]) => values.map(value => ({ key, rawValue: Buffer.from(value, 'latin1') })))
  return { headerMap: { headers: entries } }
}

/** The request as it is inside of Envoy when the filter's turn comes. */
function withinEnvoy(request: GatewayRequest, { drops, writes = {} }: EnvoyOptions): GatewayRequest {
  const own = Object.entries({ 'x-forwarded-proto': 'https', ...writes })
  const names = new Set(own.map(([name]) => name))
  const gone = (name: string) =>
    name === partialHeader || name === 'x-forwarded-client-cert' || names.has(name) || drops?.(name) === true
  return { ...request, headers: [...request.headers.filter(([name]) => !gone(name.toLowerCase())), ...own] }
}

function structs(metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  return Object.fromEntries(Object.entries(metadata).map(([name, values]) => [name, plainToStruct(values)]))
}
