import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { PolicyRule, RbacObject, RoleRef, Subject } from './rbac-objects.js'

export type StoredRbac =
  | { readonly ok: true; readonly object: RbacObject }
  /** It holds something that this version cannot read. */
  | { readonly ok: false; readonly message: string }

/** Thrown and caught in this file only. */
class Unreadable extends Error {}

/**
 * Reads an object as an API server stores and lists it: validated when it was written, so only what authorization needs
 * is looked at, and fields that are not known are passed over (a later Kubernetes may add some). null is the absence of a
 * value, and "" in a list of texts, as a Go server reads it. The kind is that of the collection: listed objects bear none.
 *
 * One that cannot be read is left out as a whole. That is safe because RBAC only gives: a binding without its role gives
 * nothing, nor does a role without a binding.
 *
 * ClusterRoles count with the `rules` that are stored, and `aggregationRule` for nothing: that is all that the authorizer
 * of an API server looks at. A controller fills in the rules of the selected ClusterRoles; where it lags or does not run,
 * aggregating here would allow what the API server does not.
 */
export function readStoredRbac(kind: RbacObject['kind'], stored: JsonObject): StoredRbac {
  try {
    return { ok: true, object: readObject(kind, stored) }
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, message: error.message }
    throw error
  }
}

function readObject(kind: RbacObject['kind'], stored: JsonObject): RbacObject {
  const metadata = object(stored.get('metadata'), 'metadata')
  const name = text(metadata, 'name')
  if (name === '') throw new Unreadable('metadata.name is missing')
  switch (kind) {
    case 'Role':
      return { kind, name, namespace: namespaceOf(metadata), rules: rules(stored) }
    case 'ClusterRole':
      return { kind, name, labels: labels(metadata), rules: rules(stored), aggregation: undefined }
    case 'RoleBinding':
      return { kind, name, namespace: namespaceOf(metadata), roleRef: roleRef(stored), subjects: subjects(stored) }
    case 'ClusterRoleBinding':
      return { kind, name, roleRef: roleRef(stored), subjects: subjects(stored) }
  }
}

/** Without one, a RoleBinding would be found where ClusterRoleBindings are. */
function namespaceOf(metadata: JsonObject): string {
  const namespace = text(metadata, 'namespace')
  if (namespace === '') throw new Unreadable('metadata.namespace is missing')
  return namespace
}

function rules(stored: JsonObject): readonly PolicyRule[] {
  return items(stored, 'rules').map(item => {
    const rule = object(item, 'an element of rules')
    return {
      verbs: texts(rule, 'verbs'),
      apiGroups: texts(rule, 'apiGroups'),
      resources: texts(rule, 'resources'),
      resourceNames: texts(rule, 'resourceNames'),
      nonResourceURLs: texts(rule, 'nonResourceURLs'),
    }
  })
}

function roleRef(stored: JsonObject): RoleRef {
  const ref = object(stored.get('roleRef'), 'roleRef')
  return { kind: text(ref, 'kind'), name: text(ref, 'name') }
}

function subjects(stored: JsonObject): readonly Subject[] {
  return items(stored, 'subjects').map(item => {
    const subject = object(item, 'an element of subjects')
    const kind = text(subject, 'kind')
    return { kind, name: text(subject, 'name'), namespace: kind === 'ServiceAccount' ? text(subject, 'namespace') : '' }
  })
}

function labels(metadata: JsonObject): ReadonlyMap<string, string> {
  const given = metadata.get('labels') ?? undefined
  if (given === undefined) return new Map()
  const map = object(given, 'metadata.labels')
  return new Map([...map.keys()].map(key => [key, text(map, key)]))
}

function object(value: JsonValue | undefined, what: string): JsonObject {
  if (isJsonObject(value)) return value
  throw new Unreadable(`${what} is not an object`)
}

function text(holder: JsonObject, field: string): string {
  const value = holder.get(field) ?? ''
  if (typeof value === 'string') return value
  throw new Unreadable(`${field} is not text`)
}

function items(holder: JsonObject, field: string): readonly JsonValue[] {
  const value = holder.get(field) ?? []
  if (isJsonArray(value)) return value
  throw new Unreadable(`${field} is not a list`)
}

function texts(holder: JsonObject, field: string): readonly string[] {
  return items(holder, field).map(item => {
    if (item === null) return ''
    if (typeof item === 'string') return item
    throw new Unreadable(`an element of ${field} is not text`)
  })
}
