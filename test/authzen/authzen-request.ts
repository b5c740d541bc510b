import { writeJson } from '../../src/doors/http/write-json.js'
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/protocol/json-value.js'
import { methodTable } from '../../src/protocol/mcp/method-table.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'

export interface McpRequest {
  readonly server: string
  /** The JSON-RPC message. */
  readonly body: string | Buffer
  readonly token?: string | undefined
  readonly subject?: string
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The evaluation by which a gateway asks for this MCP message, following the default mappings of COAZ-MCP and
 * docs/authzen.md; undefined for a message that cannot be put into one.
 */
export function authzenRequest({
  server,
  body,
  token,
  subject = 'alice',
  headers = {},
}: McpRequest): string | undefined {
  const json = parseStrictJson(Buffer.from(body))
  if (!json.ok || !isJsonObject(json.value)) return undefined
  const message = json.value
  const method = message.get('method')
  const params = message.get('params')
  const known = new Set(['jsonrpc', 'id', 'method', 'params'])
  if (typeof method !== 'string' || method === '' || message.get('jsonrpc') !== '2.0') return undefined
  if ([...message.keys()].some(key => !known.has(key)) || (params !== undefined && !isJsonObject(params)))
    return undefined
  const id = message.get('id')
  if ((id === undefined) !== method.startsWith('notifications/') || (id !== undefined && !isId(id))) return undefined
  const resource = resourceOf(method, params)
  if (resource === undefined) return undefined
  const object = (entries: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
    new Map(Object.entries(entries).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
  return writeJson(
    object({
      subject: object({
        type: 'identity',
        id: subject,
        properties: object({ access_token: token }),
      }),
      action: object({ name: method, properties: object({ params }) }),
      resource: object({
        type: resource.type,
        id: resource.type === 'mcp_server' ? server : resource.id,
        properties: object({ server }),
      }),
      context: object({ request: object({ id, headers: headers && object(headers) }) }),
    }),
  )
}

function isId(value: JsonValue): boolean {
  return typeof value === 'string' || typeof value === 'bigint'
}

function resourceOf(
  method: string,
  params: JsonObject | undefined,
): { readonly type: string; readonly id: string } | undefined {
  const target = methodTable.get(method)?.target
  if (target === undefined || target.kind === 'subscriptions') return { type: 'mcp_server', id: '' }
  const ref = params?.get('ref')
  const named = target.kind === 'ref' ? (isJsonObject(ref) ? ref : undefined) : params
  const prompt = named?.get('type') === 'ref/prompt'
  const type = target.kind === 'ref' ? (prompt ? 'prompt' : 'resource') : target.kind
  const id = named?.get(target.kind === 'ref' ? (prompt ? 'name' : 'uri') : target.field)
  return typeof id === 'string' && id !== '' ? { type, id } : undefined
}
