import { type JsonNode, type JsonOutline, readJsonOutline } from '../../protocol/json-outline.js'
import { legacyVersions, versionHeader, versionKey } from '../../protocol/mcp/era.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import { encodeNameHeader } from '../../protocol/mcp/name-header.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'
import { type Edit, splice } from '../../protocol/splice.js'
import type { McpMessage } from './read-mcp-message.js'

export interface SyntheticMessage {
  /** One JSON-RPC request. */
  readonly bytes: Uint8Array
  /** Headers that go with it. */
  readonly mirrors: readonly (readonly [name: string, value: string])[]
}

/**
 * The JSON-RPC request for a method and its params. Two things that the gateway took out of them are put back: the version
 * in `_meta`, which is that of the header (the gateway refuses a message whose header and body differ), and, with `prefix`,
 * the target before the name, so that policies meet the names that clients use.
 *
 * Params are not trusted to be JSON: around them is an object whose every key is taken already, so that anything which is
 * not exactly one value is a duplicate key or no JSON to the strict reader.
 */
export function syntheticMessage(
  { method, payload }: McpMessage,
  headers: RequestHeaders,
  prefix: string | undefined,
): SyntheticMessage {
  const version = versionHeader(headers)
  const modern = version !== undefined && !legacyVersions.has(version) ? version : undefined
  const field = methodTable.get(method)?.target
  const named = field !== undefined && 'field' in field ? field.field : undefined
  const { params, name } = editParams(payload, { modern, named, prefix })
  const head = `{"jsonrpc":"2.0","id":0,"method":${JSON.stringify(method)}`
  const bytes =
    params === undefined ? Buffer.from(`${head}}`) : Buffer.concat([Buffer.from(`${head},"params":`), params, closing])
  const mirrors: [string, string][] = [['content-type', 'application/json']]
  if (modern === undefined) return { bytes, mirrors }
  mirrors.push(['mcp-method', method])
  if (name !== undefined && methodTable.get(method)?.nameHeader === true) {
    mirrors.push(['mcp-name', encodeNameHeader(name)])
  }
  return { bytes, mirrors }
}

const closing = Buffer.from('}')

interface Additions {
  readonly modern: string | undefined
  readonly named: 'name' | 'uri' | 'taskId' | undefined
  readonly prefix: string | undefined
}

function editParams(
  payload: Uint8Array | undefined,
  { modern, named, prefix }: Additions,
): { readonly params: Uint8Array | undefined; readonly name: string | undefined } {
  const meta = modern === undefined ? undefined : `"_meta":{${JSON.stringify(versionKey)}:${JSON.stringify(modern)}}`
  if (payload === undefined)
    return { params: meta === undefined ? undefined : Buffer.from(`{${meta}}`), name: undefined }
  if (meta === undefined && prefix === undefined) return { params: payload, name: undefined }
  const read = readJsonOutline(payload)
  // Left as it is: the strict reader says what is wrong with it.
  if (!read.ok || read.outline.kind(0) !== 'object') return { params: payload, name: undefined }
  const { outline } = read
  const members = membersOf(outline)
  const edits: Edit[] = []
  if (meta !== undefined && !members.has('_meta')) {
    const at = outline.start(0) + 1
    edits.push({ start: at, end: at, text: members.size === 0 ? meta : `${meta},` })
  }
  const node = named === undefined ? undefined : members.get(named)
  let name = node !== undefined && outline.kind(node) === 'string' ? outline.string(node) : undefined
  if (node !== undefined && name !== undefined && prefix !== undefined) {
    name = prefix + (named === 'name' ? '_' : '+') + name
    edits.push({ start: outline.start(node), end: outline.end(node), text: JSON.stringify(name) })
  }
  return { params: splice(payload, edits), name }
}

/** Values of the top-level object by key; of a key that comes twice the last, and the strict reader refuses it. */
function membersOf(outline: JsonOutline): ReadonlyMap<string, JsonNode> {
  const members = new Map<string, JsonNode>()
  const end = outline.next(0)
  for (let key = 1; key < end; key = outline.next(key + 1)) members.set(outline.string(key), key + 1)
  return members
}
