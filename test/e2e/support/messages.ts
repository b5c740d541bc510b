/** Bodies of JSON-RPC messages, as text, for requests that no client library makes. */

export const initialize = request('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'e2e', version: '1' },
})

export function toolsCall(name: string, args: Readonly<Record<string, unknown>>): string {
  return request('tools/call', { name, arguments: args })
}

/** A request of revision 2026-07-28, which needs no session. */
export function modern(method: string, params: Readonly<Record<string, unknown>>): string {
  const about = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'e2e', version: '1' },
  }
  return request(method, { ...params, _meta: about })
}

export function request(method: string, params: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
}
