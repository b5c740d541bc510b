import type { MetaTool } from '../protocol/mcp/meta-tool.js'
import type { McpMethod } from '../protocol/mcp/method-table.js'
import type { Server } from './server.js'
import type { ServerSpec } from './server-schema.js'

/** Methods beside those of MCP; of some the Server says what they touch. */
export function compileMethods(listed: NonNullable<ServerSpec['methods']>): Pick<Server, 'methods' | 'extensions'> {
  const extensions = new Map<string, McpMethod>()
  for (const method of listed) {
    if (typeof method === 'string') continue
    const { name, target } = method
    extensions.set(name, {
      name,
      eras: ['legacy', 'modern'],
      direction: 'toServer',
      kind: 'request',
      target,
      nameHeader: false,
      takesArguments: method.arguments,
      needs: 'default',
    })
  }
  return { methods: new Set(listed.map(method => (typeof method === 'string' ? method : method.name))), extensions }
}

export function compileMetaTools(listed: NonNullable<ServerSpec['metaTools']>): ReadonlyMap<string, MetaTool> {
  return new Map(
    listed.map(meta => {
      const { tool, name, encoding, otherArguments } = meta
      return [tool, { name, arguments: meta.arguments, encoding, others: new Set(otherArguments ?? []) }]
    }),
  )
}
