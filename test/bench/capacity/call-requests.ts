import { envoy } from '../../../gen/wire.js'
import { requestHeaders } from '../check-requests.js'

/** A CheckRequest with a JSON-RPC message of one's own. The Server is named by the route. */
export function messageRequest(token: string, server: string, message: object): Buffer {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 4711, ...message }))
  const http = { id: '9241557290317824311', method: 'POST', path: '/mcp', host: 'mcp.example.com', scheme: 'https' }
  const headers = requestHeaders(token, body.length)
  const request = { http: { ...http, protocol: 'HTTP/1.1', headers, rawBody: body, size: body.length } }
  const attributes = { request, contextExtensions: { 'mcp-server': server } }
  return Buffer.from(envoy.service.auth.v3.CheckRequest.encode({ attributes }).finish())
}

export function callOf(name: string, args: object): object {
  return { method: 'tools/call', params: { name, arguments: args } }
}
