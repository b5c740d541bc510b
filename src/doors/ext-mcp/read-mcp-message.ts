import { isUtf8 } from 'node:buffer'
import { agentgateway } from '../../../gen/wire.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { structToJson } from '../envoy/struct-value.js'

const { McpRequest, McpResponse } = agentgateway.dev.ext_mcp

/** What a message of either phase says. */
export interface McpMessage {
  readonly method: string
  /** Targets of the gateway's backend. */
  readonly services: readonly string[]
  readonly metadata: JsonObject
  /** Lower-case names, pseudo headers among them; repeats are apart. Empty in the response phase. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** JSON: the params of a request, or a result; undefined where the gateway shows none. */
  readonly payload: Uint8Array | undefined
}

export type ReadMcpMessage =
  | { readonly ok: true; readonly message: McpMessage }
  /** `detail` is for the operator and holds nothing of the message. */
  | { readonly ok: false; readonly detail: string }

const maxServices = 1024

export function readMcpRequest(bytes: Uint8Array): ReadMcpMessage {
  let request: agentgateway.dev.ext_mcp.IMcpRequest
  try {
    request = McpRequest.decode(bytes)
  } catch {
    return { ok: false, detail: 'the McpRequest is not valid protobuf' }
  }
  return messageOf(request, request.mcpRequest, request.headers)
}

export function readMcpResponse(bytes: Uint8Array): ReadMcpMessage {
  let response: agentgateway.dev.ext_mcp.IMcpResponse
  try {
    response = McpResponse.decode(bytes)
  } catch {
    return { ok: false, detail: 'the McpResponse is not valid protobuf' }
  }
  return messageOf(response, response.mcpResponse, [])
}

function messageOf(
  common: Pick<agentgateway.dev.ext_mcp.IMcpRequest, 'serviceNames' | 'method' | 'metadataContext'>,
  payload: Uint8Array | null | undefined,
  headers: agentgateway.dev.ext_mcp.IMcpHeader[] | null | undefined,
): ReadMcpMessage {
  const services = common.serviceNames ?? []
  const method = common.method ?? ''
  if (method === '') return { ok: false, detail: 'a message names no method' }
  if (services.length > maxServices) return { ok: false, detail: `a message names more than ${maxServices} targets` }
  const metadata = structToJson(common.metadataContext ?? {})
  if (metadata === undefined) return { ok: false, detail: 'metadata of a message is too large, too deep or not JSON' }
  return {
    ok: true,
    message: {
      method,
      services,
      metadata,
      headers: (headers ?? []).map(({ key, value }) => [(key ?? '').toLowerCase(), text(value ?? nothing)]),
      payload: payload ?? undefined,
    },
  }
}

const nothing = new Uint8Array(0)

/** UTF-8 where it is valid, else one character per byte: never a replacement character that would equal another value. */
function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString('utf8') : buffer.toString('latin1')
}
