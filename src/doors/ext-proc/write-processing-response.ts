import { envoy } from '../../../gen/wire.js'
import { isWellFormed } from '../envoy/header-text.js'
import { metadataToStruct, sendableMetadata } from '../envoy/write-metadata.js'
import type { BodyMode } from './body-plan.js'
import { type HeaderChanges, type ImmediateReply, metadataNamespace } from './exchange-processor.js'
import type { Side } from './read-processing-request.js'
import { writeHeaderMutation } from './write-header-mutation.js'

const { ProcessingResponse } = envoy.service.ext_proc.v3
const { SEND } = envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.HeaderSendMode

type CommonResponse = envoy.service.ext_proc.v3.ICommonResponse

export type WrittenResponse =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** Holds no values. */
  | { readonly ok: false; readonly detail: string }

/** What describes the bytes of a body, and is untrue of others (RFC 9110, sections 8 and 14; RFC 9530). */
const validators: readonly string[] = [
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'accept-ranges',
]

export interface ModeOverride {
  readonly request: BodyMode
  readonly response: BodyMode
}

export interface HeadersAnswer {
  readonly changes: HeaderChanges | undefined
  /** The body may come out as another one, with the length not known yet. */
  readonly bodyMayChange: boolean
  readonly override: ModeOverride | undefined
}

/** The answer to headers. */
export function writeHeadersAnswer(side: Side, { changes, bodyMayChange, override }: HeadersAnswer): WrittenResponse {
  if (changes === undefined && !bodyMayChange && override === undefined)
    return { ok: true, bytes: passed[side].headers }
  const own = bodyMayChange ? { remove: ['content-length', ...validators] } : undefined
  const written = writeHeaderMutation({ changes, own })
  if (!written.ok) return written
  const response = written.mutation === undefined ? {} : { headerMutation: written.mutation }
  return encoded({
    ...(side === 'request' ? { requestHeaders: { response } } : { responseHeaders: { response } }),
    ...(override === undefined ? {} : { modeOverride: processingMode(override) }),
    ...told(changes),
  })
}

export type BodyChange =
  /** It goes on as it came. */
  | { readonly kind: 'same' }
  /** In place of a chunk of a stream. */
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  /** In place of a whole body whose headers still wait: they get its length, which HTTP/1.1 cannot say beside trailers. */
  | { readonly kind: 'whole'; readonly bytes: Uint8Array; readonly trailers: boolean }

/** The answer to a body or to a chunk of one, in every mode but FULL_DUPLEX_STREAMED. */
export function writeBodyAnswer(side: Side, change: BodyChange, changes?: HeaderChanges): WrittenResponse {
  if (change.kind === 'same' && changes === undefined) return { ok: true, bytes: passed[side].body }
  const own = change.kind === 'whole' ? describing(change) : undefined
  const written = writeHeaderMutation({ changes, own })
  if (!written.ok) return written
  const response: CommonResponse = {
    ...(written.mutation === undefined ? {} : { headerMutation: written.mutation }),
    ...(change.kind === 'same' ? {} : { bodyMutation: bodyMutation(change.bytes) }),
  }
  return encoded({
    ...(side === 'request' ? { requestBody: { response } } : { responseBody: { response } }),
    ...told(changes),
  })
}

function told(changes: Pick<HeaderChanges, 'tell'> | undefined): envoy.service.ext_proc.v3.IProcessingResponse {
  if (changes?.tell === undefined) return {}
  const structValue = metadataToStruct(sendableMetadata(changes.tell))
  return { dynamicMetadata: { fields: { [metadataNamespace]: { structValue } } } }
}

function describing({ bytes, trailers }: BodyChange & { kind: 'whole' }): HeaderChanges {
  if (trailers) return { remove: ['content-length', ...validators] }
  return { set: [{ name: 'content-length', value: String(bytes.length) }], remove: validators }
}

/** Empty bytes would be no mutation on the wire of proto3, and the original would go on. */
function bodyMutation(bytes: Uint8Array): envoy.service.ext_proc.v3.IBodyMutation {
  return bytes.length === 0 ? { clearBody: true } : { body: bytes }
}

/** A piece of the body in FULL_DUPLEX_STREAMED. */
export function writeStreamed(side: Side, body: Uint8Array, endOfStream: boolean): WrittenResponse {
  const response = { bodyMutation: { streamedResponse: { body, endOfStream } } }
  return encoded(side === 'request' ? { requestBody: { response } } : { responseBody: { response } })
}

/** The answer to trailers. */
export function writeTrailersAnswer(side: Side, changes: HeaderChanges | undefined): WrittenResponse {
  const written = writeHeaderMutation({ changes })
  if (!written.ok) return written
  const headerMutation = written.mutation
  const answer = headerMutation === undefined ? {} : { headerMutation }
  return encoded(side === 'request' ? { requestTrailers: answer } : { responseTrailers: answer })
}

const maxReplyBytes = 64 * 1024

/** An answer of ours to the client; ends the exchange. */
export function writeImmediate({ status, headers, body, details, tell }: ImmediateReply): WrittenResponse {
  const sendable = status === 200 || status === 202 || status === 204 || (status >= 400 && status <= 599)
  if (!sendable || !Number.isInteger(status)) return { ok: false, detail: `HTTP status ${status} must not be sent` }
  if (Buffer.byteLength(body) > maxReplyBytes)
    return { ok: false, detail: `a body of more than ${maxReplyBytes} bytes` }
  if (!isWellFormed(body)) return { ok: false, detail: 'a body that is not Unicode' }
  const written = writeHeaderMutation({ changes: { set: headers } })
  if (!written.ok) return written
  return encoded({
    immediateResponse: {
      status: { code: status },
      body: Buffer.from(body),
      ...(written.mutation === undefined ? {} : { headers: written.mutation }),
      ...(details === undefined ? {} : { details }),
    },
    ...(tell !== undefined && told({ tell })),
  })
}

function encoded(message: envoy.service.ext_proc.v3.IProcessingResponse): WrittenResponse {
  return { ok: true, bytes: ProcessingResponse.encode(message).finish() }
}

/** Said in full: what an override leaves out takes its default, and a body mode would fall back to NONE. */
function processingMode({ request, response }: ModeOverride) {
  return {
    responseHeaderMode: SEND,
    requestBodyMode: request,
    responseBodyMode: response,
    // Without them nobody says that a body with trailers has ended. A duplex stream cannot be without.
    requestTrailerMode: request === 0 ? 0 : SEND,
    responseTrailerMode: response === 0 ? 0 : SEND,
  }
}

/** Most answers change nothing. */
const passed: Readonly<Record<Side, { readonly headers: Uint8Array; readonly body: Uint8Array }>> = {
  request: {
    headers: ProcessingResponse.encode({ requestHeaders: { response: {} } }).finish(),
    body: ProcessingResponse.encode({ requestBody: { response: {} } }).finish(),
  },
  response: {
    headers: ProcessingResponse.encode({ responseHeaders: { response: {} } }).finish(),
    body: ProcessingResponse.encode({ responseBody: { response: {} } }).finish(),
  },
}

/** The error that needs nothing of the rest to work: HTTP 500, no body. */
export const lastResort: Uint8Array = ProcessingResponse.encode({
  immediateResponse: { status: { code: 500 }, details: 'mcp_authz_failed' },
}).finish()
