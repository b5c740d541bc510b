import { createHash } from 'node:crypto'
import { canonicalJson } from '../protocol/canonical-json.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'

/** Where kubernetes-mcp-server says which permissions a tool or prompt needs (its versions after 0.0.66). */
export const rbacMetaKey = 'io.kubernetes-mcp-server/rbac'

/**
 * The digest that pins a tool or prompt, as `sha256:` and hexadecimal: SHA-256 over the RFC 8785 form of its entry in
 * tools/list or prompts/list, with everything that a model or a reviewer goes by: name, title, description, schemas,
 * annotations, arguments, and the permissions in `_meta`. Icons and the rest of `_meta` may change freely.
 */
export function toolDigest(definition: JsonObject): string {
  const pinned = new Map([...definition].filter(([key]) => key !== 'icons' && key !== '_meta'))
  const meta = definition.get('_meta')
  const rbac = isJsonObject(meta) ? meta.get(rbacMetaKey) : undefined
  if (rbac !== undefined) pinned.set('_meta', new Map([[rbacMetaKey, rbac]]))
  return `sha256:${createHash('sha256').update(canonicalJson(pinned)).digest('hex')}`
}
