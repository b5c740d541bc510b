import { envoy, type google } from '../../../gen/wire.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { type ReadHeaderMap, readHeaderMap } from '../envoy/read-header-map.js'
import { structToJson } from '../envoy/struct-value.js'
import { type BodyMode, isBodyMode } from './body-plan.js'

const { ProcessingRequest } = envoy.service.ext_proc.v3

export type Side = 'request' | 'response'

export interface Modes {
  readonly request: BodyMode
  readonly response: BodyMode
  /** An override in an answer to headers comes in time to be followed. */
  readonly overridable: boolean
}

export type Part =
  | {
      readonly kind: 'headers'
      readonly side: Side
      readonly head: ReadHeaderMap
      readonly endOfStream: boolean
      readonly metadata: ReadonlyMap<string, JsonObject>
      readonly attributes: ReadonlyMap<string, JsonObject>
    }
  | { readonly kind: 'body'; readonly side: Side; readonly bytes: Uint8Array; readonly end: boolean }
  | { readonly kind: 'trailers'; readonly side: Side; readonly trailers: ReadHeaderMap }

export type ReadProcessingRequest =
  | { readonly ok: true; readonly part: Part; readonly modes: Modes | undefined; readonly observability: boolean }
  /** `detail` is for the operator and holds nothing of the exchange. */
  | { readonly ok: false; readonly detail: string }

/** Reads one message of a stream. Bytes that do not decode, or that say nothing or two things, are a value. */
export function readProcessingRequest(bytes: Uint8Array): ReadProcessingRequest {
  let message: envoy.service.ext_proc.v3.ProcessingRequest
  try {
    message = ProcessingRequest.decode(bytes)
  } catch {
    return { ok: false, detail: 'a ProcessingRequest is not valid protobuf' }
  }
  const parts = partsOf(message)
  const [only] = parts
  if (only === undefined || parts.length > 1) {
    return { ok: false, detail: 'a ProcessingRequest shows no part that we know, or several' }
  }
  const part = only()
  if (part === undefined) {
    return { ok: false, detail: 'metadata or attributes of a ProcessingRequest are too large, too deep or not JSON' }
  }
  const modes = modesOf(message.protocolConfig)
  if (modes === 'unknown') return { ok: false, detail: 'the gateway shows bodies in a mode that we do not know' }
  return { ok: true, part, modes, observability: message.observabilityMode }
}

const FULL_DUPLEX_STREAMED = envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.BodySendMode.FULL_DUPLEX_STREAMED

function modesOf(config: envoy.service.ext_proc.v3.IProtocolConfiguration | null | undefined) {
  if (!config) return undefined
  const request = config.requestBodyMode ?? 0
  const response = config.responseBodyMode ?? 0
  if (!isBodyMode(request) || !isBodyMode(response)) return 'unknown'
  // Envoy ignores overrides of a configuration that has one of these.
  const duplex = request === FULL_DUPLEX_STREAMED || response === FULL_DUPLEX_STREAMED
  const overridable = !duplex && config.sendBodyWithoutWaitingForHeaderResponse !== true
  return { request, response, overridable }
}

type ReadPart = () => Part | undefined

function partsOf(message: envoy.service.ext_proc.v3.ProcessingRequest): readonly ReadPart[] {
  const parts: ReadPart[] = []
  const headers = (side: Side, shown: envoy.service.ext_proc.v3.IHttpHeaders | null | undefined) => {
    if (!shown) return
    parts.push(() => {
      const metadata = structsToJson(message.metadataContext?.filterMetadata)
      const attributes = structsToJson(message.attributes)
      if (metadata === undefined || attributes === undefined) return undefined
      const endOfStream = shown.endOfStream === true
      return { kind: 'headers', side, head: readHeaderMap(shown.headers), endOfStream, metadata, attributes }
    })
  }
  const body = (side: Side, shown: envoy.service.ext_proc.v3.IHttpBody | null | undefined) => {
    if (!shown) return
    parts.push(() => ({ kind: 'body', side, bytes: shown.body ?? noBytes, end: shown.endOfStream ?? false }))
  }
  const trailers = (side: Side, shown: envoy.service.ext_proc.v3.IHttpTrailers | null | undefined) => {
    if (!shown) return
    parts.push(() => ({ kind: 'trailers', side, trailers: readHeaderMap(shown.trailers) }))
  }
  headers('request', message.requestHeaders)
  headers('response', message.responseHeaders)
  body('request', message.requestBody)
  body('response', message.responseBody)
  trailers('request', message.requestTrailers)
  trailers('response', message.responseTrailers)
  return parts
}

const noBytes = new Uint8Array(0)
const nothing: ReadonlyMap<string, JsonObject> = new Map()

function structsToJson(
  structs: Readonly<Record<string, google.protobuf.IStruct>> | null | undefined,
): ReadonlyMap<string, JsonObject> | undefined {
  const entries = Object.entries(structs ?? {})
  if (entries.length === 0) return nothing
  const read = new Map<string, JsonObject>()
  for (const [namespace, struct] of entries) {
    const object = structToJson(struct)
    if (object === undefined) return undefined
    read.set(namespace, object)
  }
  return read
}
