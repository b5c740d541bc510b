import { isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { type McpMethod, methodTable } from '../../../protocol/mcp/method-table.js'

/** What `resource.type` says, after the default mappings of COAZ-MCP. */
export const resourceTypes = ['tool', 'prompt', 'resource', 'task', 'mcp_server'] as const
export type ResourceType = (typeof resourceTypes)[number]

export interface NamedResource {
  readonly type: string
  readonly id: string
}

export type McpParams =
  | {
      readonly ok: true
      readonly params: JsonObject
      /** What the header Mcp-Name repeats; undefined where the method has none. */
      readonly nameHeader: string | undefined
    }
  | { readonly ok: false; readonly message: string }

const fields: Readonly<Record<Exclude<ResourceType, 'mcp_server'>, string>> = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  task: 'taskId',
}

/**
 * The `params` of the MCP message that an evaluation is about. The resource names what the method touches, in `params`
 * too or only there, and the two must not differ: a decision about one thing must not be taken for one about another.
 *
 * Where a method touches something, `params` must be there: a gateway that leaves the arguments out would have the call
 * judged without them.
 */
export function mcpParams(method: string, resource: NamedResource, params: JsonObject | undefined): McpParams {
  const type = resourceTypes.find(one => one === resource.type)
  if (type === undefined) return refuse(`resource.type must be one of ${resourceTypes.join(', ')}`)
  const row = methodTable.get(method)
  if (row !== undefined && !touches(row).includes(type))
    return refuse(`the resource of this method must be of the type ${touches(row).join(' or ')}`)
  // What is listened to stands in params alone.
  const optional = type === 'mcp_server' && row?.target === undefined
  if (params === undefined && !optional)
    return refuse('action.properties.params must hold the params of the MCP message, its arguments among them')
  if (type === 'mcp_server' || params === undefined)
    return { ok: true, params: params ?? new Map(), nameHeader: undefined }
  const completed =
    row?.target?.kind === 'ref' ? withRef(type, resource.id, params) : withName(type, resource.id, params)
  if (completed === undefined) return refuse('action.properties.params and resource.id name different things')
  return { ok: true, params: completed, nameHeader: row?.nameHeader === true ? resource.id : undefined }
}

function touches({ target }: McpMethod): readonly ResourceType[] {
  if (target === undefined || target.kind === 'subscriptions') return ['mcp_server']
  return target.kind === 'ref' ? ['prompt', 'resource'] : [target.kind]
}

function withName(type: Exclude<ResourceType, 'mcp_server'>, id: string, params: JsonObject): JsonObject | undefined {
  const field = fields[type]
  if (params.has(field)) return params.get(field) === id ? params : undefined
  return new Map<string, JsonValue>([[field, id], ...params])
}

/** completion/complete names a prompt, or a resource by its template. */
function withRef(type: ResourceType, id: string, params: JsonObject): JsonObject | undefined {
  const [kind, field] = type === 'prompt' ? ['ref/prompt', 'name'] : ['ref/resource', 'uri']
  if (!params.has('ref')) {
    const ref = new Map<string, JsonValue>([
      ['type', kind],
      [field, id],
    ])
    return new Map<string, JsonValue>([['ref', ref], ...params])
  }
  const ref = params.get('ref')
  return isJsonObject(ref) && ref.get('type') === kind && ref.get(field) === id ? params : undefined
}

function refuse(message: string): McpParams {
  return { ok: false, message }
}
