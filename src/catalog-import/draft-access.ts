import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import type { ToolAccess } from '../rbac/tool-catalog.js'

/** Words in names that make a draft stricter, the strictest first. */
const words: readonly (readonly [ToolAccess, ReadonlySet<string>])[] = [
  [
    'sensitive',
    new Set([
      'secret',
      'secrets',
      'token',
      'tokens',
      'credential',
      'credentials',
      'password',
      'passwords',
      'kubeconfig',
      'env',
    ]),
  ],
  ['exec', new Set(['exec', 'execute', 'shell', 'bash', 'command', 'cmd', 'eval', 'ssh', 'attach', 'portforward'])],
  [
    'delete',
    new Set([
      'delete',
      'remove',
      'destroy',
      'drop',
      'purge',
      'erase',
      'uninstall',
      'kill',
      'terminate',
      'drain',
      'evict',
    ]),
  ],
]

/** Of the verbs of Kubernetes that a tool says it needs. */
const deletingVerbs: ReadonlySet<string> = new Set(['delete', 'deletecollection'])

/**
 * The access of a drafted tool: `write` unless something speaks for more. Nothing that the server says speaks for less, as
 * annotations are hints that a server may give as it likes (ToolAnnotations, specification 2026-07-28).
 */
export function draftAccess(name: string, definition: JsonObject, verbs: Iterable<string>): ToolAccess {
  const parts = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const byName = words.find(([, set]) => parts.some(part => set.has(part)))?.[0]
  if (byName === 'sensitive' || byName === 'exec') return byName
  const deletes = [...verbs].some(verb => deletingVerbs.has(verb))
  return byName ?? (deletes || isDestructive(definition) ? 'delete' : 'write')
}

/** Said outright, or by saying that it is not read-only: then `destructiveHint` is true by default. */
function isDestructive(definition: JsonObject): boolean {
  const annotations = definition.get('annotations')
  if (!isJsonObject(annotations)) return false
  const hint = annotations.get('destructiveHint')
  return hint === true || (hint === undefined && annotations.get('readOnlyHint') === false)
}

/** Whether the server calls the tool read-only, which a reviewer may want to know. */
export function saysReadOnly(definition: JsonObject): boolean {
  const annotations = definition.get('annotations')
  return isJsonObject(annotations) && annotations.get('readOnlyHint') === true
}
