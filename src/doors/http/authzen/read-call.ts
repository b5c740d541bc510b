import { isJsonObject, type JsonObject, type JsonValue } from '../../../protocol/json-value.js'
import { mcpParams } from './mcp-params.js'
import type { Tuple } from './read-evaluations.js'
import type { Refused } from './refused.js'

/** A Server, as far as a request to it has to be addressed. */
export interface AskedServer {
  readonly name: string
  readonly authority: string
  readonly path: string
  /** A `json` Server takes any body: what MCP asks of it would say nothing. */
  readonly protocol: 'mcp' | 'json'
}

export interface CallRules {
  /** By name, `namespace/name` or resource, exactly. */
  findServer(id: string): AskedServer | undefined
  /** For evaluations that name no Server. */
  readonly server: string | undefined
}

export interface AskedCall {
  readonly ok: true
  readonly server: AskedServer
  readonly method: string
  readonly params: JsonObject
  readonly nameHeader: string | undefined
}

const maxName = 256
const maxId = 8192

/** What is to be called, and on which Server: the action with its resource. */
export function readCall({ action, resource }: Tuple, rules: CallRules): AskedCall | Refused {
  if (!isJsonObject(action)) return shape('The member action must be an object.')
  const method = action.get('name')
  if (!isText(method, maxName)) return shape('action.name must be the MCP method, such as tools/call.')
  const given = propertiesOf(action)
  if (given === undefined) return shape('action.properties must be an object.')
  const params = given.get('params')
  if (params !== undefined && !isJsonObject(params)) return shape('action.properties.params must be an object.')

  if (!isJsonObject(resource)) return shape('The member resource must be an object.')
  const [type, id] = [resource.get('type'), resource.get('id')]
  if (!isText(type, maxName) || !isText(id, maxId)) {
    return shape('resource.type and resource.id must be strings that are not empty.')
  }
  const properties = propertiesOf(resource)
  if (properties === undefined) return shape('resource.properties must be an object.')
  const named = type === 'mcp_server' ? id : (properties.get('server') ?? rules.server)
  if (named === undefined) return shape('resource.properties.server must name the server: its name, or its resource.')
  if (!isText(named, maxId)) return shape('resource.properties.server must be a string that is not empty.')
  if (type === 'mcp_server' && properties.has('server') && properties.get('server') !== id) {
    return shape('resource.id and resource.properties.server name different servers.')
  }
  const read = mcpParams(method, { type, id }, params)
  if (!read.ok) return shape(`${read.message}.`)
  const server = rules.findServer(named)
  if (server?.protocol === 'json') {
    return { ok: false, reason: 'server.unknown', message: 'This server does not speak MCP; it cannot be asked about.' }
  }
  // One that nobody knows is asked about all the same: its denial is decided, and recorded, like any other.
  return { ok: true, server: server ?? nobody, method, params: read.params, nameHeader: read.nameHeader }
}

/** No Server has an empty name. */
const nobody: AskedServer = { name: '', authority: 'unknown.invalid', path: '/', protocol: 'mcp' }

const none: JsonObject = new Map()

function propertiesOf(entity: JsonObject): JsonObject | undefined {
  const properties = entity.get('properties') ?? none
  return isJsonObject(properties) ? properties : undefined
}

function isText(value: JsonValue | undefined, limit: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= limit
}

function shape(message: string): Refused {
  return { ok: false, reason: undefined, message }
}
