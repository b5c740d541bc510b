import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { OperationSpec } from '../rbac/catalog-schema.js'
import { createKinds } from '../rbac/kinds.js'
import { rbacMetaKey } from '../rbac/tool-digest.js'

/** What the permissions in a tool's `_meta` amount to in the words of a catalogue. */
export type DraftedOperations =
  | { readonly kind: 'operations'; readonly operations: readonly OperationSpec[] }
  /** The server says that the tool needs nothing. */
  | { readonly kind: 'none' }
  /** The server says nothing, nothing that has bounds, or nothing that is understood; the text is ours. */
  | { readonly kind: 'unknown'; readonly why: string }

const kinds = createKinds()
const resourceName = /^[a-z0-9][-a-z0-9]{0,62}$/
const groupName = /^(?:[a-z0-9][-a-z0-9.]{0,252})?$/
const verbName = /^[a-z]{1,32}$/
const maxRequirements = 64

/** `v1alpha1` of kubernetes-mcp-server. Whatever is not exactly of that form is not understood. */
export function draftOperations(definition: JsonObject, required: ReadonlySet<string>): DraftedOperations {
  const meta = definition.get('_meta')
  const rbac = isJsonObject(meta) ? meta.get(rbacMetaKey) : undefined
  if (rbac === undefined) return unknown('the server does not say what it does')
  if (!isJsonObject(rbac) || rbac.get('version') !== 'v1alpha1')
    return unknown('its permissions are in an unknown form')
  if (rbac.has('unbounded')) return unknown('the server says that what it does has no bounds')
  const bounded = rbac.get('bounded')
  if (bounded === undefined)
    return rbac.has('none') ? { kind: 'none' } : unknown('its permissions are in an unknown form')
  const requirements = isJsonObject(bounded) ? bounded.get('requirements') : undefined
  if (!isJsonArray(requirements) || requirements.length === 0 || requirements.length > maxRequirements)
    return unknown('its permissions are in an unknown form')
  const operations: OperationSpec[] = []
  for (const requirement of requirements) {
    const operation = isJsonObject(requirement) ? operationOf(requirement, required) : undefined
    if (operation === undefined) return unknown('its permissions are in an unknown form')
    operations.push(operation)
  }
  return { kind: 'operations', operations }
}

function unknown(why: string): DraftedOperations {
  return { kind: 'unknown', why }
}

function operationOf(requirement: JsonObject, required: ReadonlySet<string>): OperationSpec | undefined {
  const verbs = requirement.get('verbs')
  if (!isJsonArray(verbs) || verbs.length === 0 || verbs.length > 8) return undefined
  const known = verbs.filter(verb => typeof verb === 'string').filter(verb => verbName.test(verb))
  if (known.length < verbs.length) return undefined
  const target = requirement.get('target')
  if (!isJsonObject(target) || target.size !== 1) return undefined

  const manifest = argumentIn(target.get('manifest'), 'argument')
  if (manifest !== undefined) return { verbs: known, manifest: { argument: manifest } }

  const name = argumentIn(requirement.get('resourceName'), 'argument')
  const named = name === undefined ? {} : { name: { argument: name, required: required.has(name) } }
  const gvk = target.get('gvk')
  if (isJsonObject(gvk)) {
    const apiVersion = argumentIn(gvk, 'apiVersionArgument')
    const kind = argumentIn(gvk, 'kindArgument')
    const subresource = subresourceOf(gvk)
    if (apiVersion === undefined || kind === undefined || subresource === undefined) return undefined
    const namespace = namespaceOf(requirement, known, required, false) ?? 'all'
    return { verbs: known, gvk: { apiVersion, kind }, ...subresource, namespace, ...named }
  }

  const resource = target.get('resource')
  if (!isJsonObject(resource)) return undefined
  const group = resource.get('apiGroup') ?? ''
  const plural = resource.get('resource')
  const subresource = subresourceOf(resource)
  if (typeof group !== 'string' || !groupName.test(group) || subresource === undefined) return undefined
  if (typeof plural !== 'string' || !resourceName.test(plural)) return undefined
  const clusterScoped = kinds.ofResource(group, plural)?.namespaced === false
  const namespace = namespaceOf(requirement, known, required, clusterScoped)
  // No word about the namespace: cluster-scoped, unless we know better.
  const whole = kinds.ofResource(group, plural)?.namespaced === true ? 'all' : 'cluster'
  return {
    verbs: known,
    ...(group !== '' && { group }),
    ...{ resource: plural, ...subresource, namespace: namespace ?? whole, ...named },
  }
}

function argumentIn(holder: JsonValue | undefined, field: string): string | undefined {
  const argument = isJsonObject(holder) ? holder.get(field) : undefined
  return typeof argument === 'string' && argument !== '' && argument.length <= 128 ? argument : undefined
}

/** undefined if it is none. */
function subresourceOf(target: JsonObject): { readonly subresource?: string } | undefined {
  const subresource = target.get('subresource')
  if (subresource === undefined || subresource === '') return {}
  return typeof subresource === 'string' && resourceName.test(subresource) ? { subresource } : undefined
}

/** A list without a namespace may be one of all namespaces, which needs the wider permission; the stricter is drafted. */
function namespaceOf(
  requirement: JsonObject,
  verbs: readonly string[],
  required: ReadonlySet<string>,
  clusterScoped: boolean,
): OperationSpec['namespace'] {
  if (clusterScoped) return 'cluster'
  const namespace = requirement.get('namespace')
  const argument = argumentIn(namespace, 'argument')
  if (argument === undefined) return isJsonObject(namespace) ? 'all' : undefined
  if (required.has(argument)) return { argument, required: true }
  return verbs.every(verb => verb === 'list' || verb === 'watch') ? { argument, default: 'all' } : { argument }
}
