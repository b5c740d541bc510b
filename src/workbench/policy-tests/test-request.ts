import type { Server } from '../../policy/server.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { hypotheticalRequest, requestMessage, toolCallMessage } from '../hypothetical-request.js'
import type { CallSpec } from './policy-test-schema.js'

/** The request of a call as a gateway would show it. `workload`: the client's mTLS principal, "" without. */
export function testRequest(
  server: Server,
  spec: CallSpec,
  { token, workload = '' }: { readonly token?: string | undefined; readonly workload?: string | undefined },
): InboundRequest {
  const { headers = {}, address } = spec
  const request = hypotheticalRequest(server, {
    body: messageOf(spec),
    headers: Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
    ...(address !== undefined && { address }),
    ...(token !== undefined && { token }),
  })
  return { ...request, peer: { ...request.peer, principal: workload } }
}

/** What the method of a call is, as far as that can be told without reading a body. */
export function methodOf({ tool, prompt, method, body }: CallSpec): string | undefined {
  if (tool !== undefined) return 'tools/call'
  if (prompt !== undefined) return 'prompts/get'
  return body === undefined ? (method ?? 'resources/read') : undefined
}

function messageOf(spec: CallSpec): string {
  const { tool, prompt, method, body, arguments: args = {}, params } = spec
  if (body !== undefined) return body
  if (tool !== undefined) return toolCallMessage(tool, textOf(args))
  if (prompt !== undefined) return requestMessage('prompts/get', textOf({ name: prompt, arguments: args }))
  if (method === undefined) return requestMessage('resources/read', textOf({ uri: spec.resource ?? '' }))
  const text = params === undefined ? undefined : textOf(params)
  if (!method.startsWith('notifications/')) return requestMessage(method, text)
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${text === undefined ? '' : `,"params":${text}`}}`
}

/** A text is JSON already, and goes out as it is. */
function textOf(value: string | object): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
