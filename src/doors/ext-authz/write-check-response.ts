import { envoy, type google } from '../../../gen/wire.js'
import type { Answer, Decision, HeaderValue } from '../../decision/decision.js'
import { isWellFormed } from '../envoy/header-text.js'
import { metadataToStruct, sendableMetadata } from '../envoy/write-metadata.js'
import { encodeAllow } from './encode-allow.js'
import { headersProblem, removalProblem } from './header-rules.js'

const { CheckResponse } = envoy.service.auth.v3
const { OVERWRITE_IF_EXISTS_OR_ADD } = envoy.config.core.v3.HeaderValueOption.HeaderAppendAction

/** google.rpc.Code: what the gateway logs. Zero, or no status at all, is an allow. */
const OK = 0
const PERMISSION_DENIED = 7
const UNAUTHENTICATED = 16

const maxBodyBytes = 64 * 1024

type Metadata = Decision['metadata']

export type WrittenCheckResponse =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** The decision cannot be said on the wire; answer an internal denial instead. Holds no values. */
  | { readonly ok: false; readonly detail: string }

/** An allow cannot be made by leaving something out: every member is required, the zero included. */
interface AllowMessage {
  status: { code: typeof OK }
  okResponse: Required<envoy.service.auth.v3.IOkHttpResponse>
  dynamicMetadata: google.protobuf.IStruct
}

interface DenyMessage {
  status: { code: typeof PERMISSION_DENIED | typeof UNAUTHENTICATED }
  deniedResponse: Required<envoy.service.auth.v3.IDeniedHttpResponse>
  dynamicMetadata: google.protobuf.IStruct
}

/**
 * The only place that makes a CheckResponse. A decision that contradicts itself, or that holds a header, status or body
 * which gateways would change or drop, is refused as a whole. Metadata that is too much is cut.
 */
export function writeCheckResponse(decision: Decision): WrittenCheckResponse {
  const { answer } = decision
  if ((decision.outcome === 'allow') !== (answer.kind === 'allow')) {
    return { ok: false, detail: `outcome ${decision.outcome} with an answer of kind ${answer.kind}` }
  }
  const metadata = sendableMetadata(decision.metadata)
  return answer.kind === 'allow' ? writeAllow(answer, metadata) : writeDeny(answer, metadata)
}

function writeAllow(answer: Answer & { kind: 'allow' }, metadata: Metadata): WrittenCheckResponse {
  const detail =
    headersProblem(answer.setHeaders, 'request') ??
    removalProblem(answer.removeHeaders, answer.setHeaders) ??
    headersProblem(answer.responseHeaders, 'response')
  if (detail !== undefined) return { ok: false, detail }
  const bytes = encodeAllow(answer, metadata)
  if (bytes !== undefined) return { ok: true, bytes }
  const message: AllowMessage = {
    status: { code: OK },
    okResponse: {
      headers: answer.setHeaders.map(overwrite),
      headersToRemove: [...answer.removeHeaders],
      responseHeadersToAdd: answer.responseHeaders.map(overwrite),
    },
    dynamicMetadata: metadataToStruct(metadata),
  }
  return { ok: true, bytes: CheckResponse.encode(message).finish() }
}

function writeDeny(answer: Answer & { kind: 'respond' }, metadata: Metadata): WrittenCheckResponse {
  const detail = headersProblem(answer.headers, 'reply') ?? statusProblem(answer.status) ?? bodyProblem(answer.body)
  if (detail !== undefined) return { ok: false, detail }
  const message: DenyMessage = {
    status: { code: answer.status === 401 ? UNAUTHENTICATED : PERMISSION_DENIED },
    deniedResponse: { status: { code: answer.status }, headers: answer.headers.map(overwrite), body: answer.body },
    dynamicMetadata: metadataToStruct(metadata),
  }
  const bytes = CheckResponse.encode(message).finish()
  // Field 1 (status), two bytes long, field 1 (code), the code: what stands between a denial and an allow.
  if (bytes[0] !== 0x0a || bytes[1] !== 2 || bytes[2] !== 0x08 || bytes[3] !== message.status.code) {
    return { ok: false, detail: 'the denial was not encoded as a denial' }
  }
  return { ok: true, bytes }
}

/** Envoy copies any status as it is; outside of this set it is undefined, or a client would follow it elsewhere. */
function statusProblem(status: number): string | undefined {
  const allowed = status === 200 || status === 202 || status === 204 || (status >= 400 && status <= 599)
  return allowed && Number.isInteger(status) ? undefined : `HTTP status ${status} must not be sent`
}

function bodyProblem(body: string): string | undefined {
  if (Buffer.byteLength(body) > maxBodyBytes) return `a body of more than ${maxBodyBytes} bytes`
  return isWellFormed(body) ? undefined : 'a body that is not Unicode'
}

/**
 * Both ways of saying "overwrite": Envoy goes by `append` for request headers (1.37.0 by append_action alone, where the
 * default appends and the client's copy survives), other gateways by append_action.
 */
function overwrite({ name, value }: HeaderValue): envoy.config.core.v3.IHeaderValueOption {
  return { header: { key: name, value }, append: { value: false }, appendAction: OVERWRITE_IF_EXISTS_OR_ADD }
}
