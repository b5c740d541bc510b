/** JSON-RPC messages as clients send them. */
export const call = (name: string, args: unknown = {}, id: unknown = 1) => ({
  ...{ jsonrpc: '2.0', id, method: 'tools/call' },
  params: { name, arguments: args },
})

export const ask = (method: string, params?: unknown) => ({
  ...{ jsonrpc: '2.0', id: 1, method },
  ...(params !== undefined && { params }),
})

export const notification = (method: string, params?: unknown) => ({
  ...{ jsonrpc: '2.0', method },
  ...(params !== undefined && { params }),
})

export const version = '2026-07-28'

/** A call of the era from 2026-07-28 on, with the headers that repeat it. */
export function modernCall(name: string, args: unknown = {}) {
  const params = { name, arguments: args, _meta: { 'io.modelcontextprotocol/protocolVersion': version } }
  return {
    body: { ...call(name), params },
    headers: [
      ['mcp-protocol-version', version],
      ['mcp-method', 'tools/call'],
      ['mcp-name', name],
    ],
  } as const
}
