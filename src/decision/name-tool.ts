import type { Server } from '../policy/server.js'
import type { Call } from '../protocol/call.js'
import { readInnerCall } from '../protocol/mcp/meta-tool.js'
import { failure } from './failure.js'
import type { Refusal } from './outcome.js'

export type NamedTool =
  | {
      readonly ok: true
      /** The call that is judged: of a meta-tool, the one that it makes for its caller. */
      readonly call: Call
      /** As the server itself names it, without the prefix of an aggregating gateway; undefined if no tool is called. */
      readonly tool: string | undefined
    }
  | { readonly ok: false; readonly refusal: Refusal }

/** Which tool of the server a call is about. What could mean two tools means none. */
export function nameTool(server: Server, call: Call): NamedTool {
  if (call.target.kind !== 'tool') return { ok: true, call, tool: undefined }
  const { toolPrefix, metaTools } = server
  const tool = unprefixed(toolPrefix, call.target.name)
  if (tool === undefined) return unknownTool(`tools of this server begin with "${toolPrefix}"`)
  const meta = metaTools.get(tool)
  if (meta === undefined) return { ok: true, call, tool }
  if (call.method !== 'tools/call') return unknownTool('a tool that calls other tools is called with tools/call only')
  const inner = readInnerCall(call, meta)
  if (!inner.ok) {
    return { ok: false, refusal: { failure: failure(inner.reason, inner.message), shape: { jsonRpcCode: -32602 } } }
  }
  const { target } = inner.call
  const name = target.kind === 'tool' ? target.name : ''
  if (metaTools.has(name)) return unknownTool('a tool that calls other tools cannot be called through another one')
  // Whether the server would take the prefix for a part of the name is not known.
  if (toolPrefix !== '' && name.startsWith(toolPrefix)) {
    return unknownTool(`through this tool, other tools are named without "${toolPrefix}"`)
  }
  return { ok: true, call: inner.call, tool: name }
}

function unknownTool(message: string): NamedTool {
  return { ok: false, refusal: { failure: failure('authorization.tool_unknown', message), shape: {} } }
}

function unprefixed(prefix: string, name: string): string | undefined {
  if (prefix === '') return name
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : undefined
}
