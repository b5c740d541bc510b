import { compareVersions } from '../kube/compare-versions.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'

/** Names the set of ConfigMaps that one belongs to as one of its versions. */
export const versionsOfAnnotation = 'mcp-authz.dev/versions-of'

/** A ConfigMap of the API server. */
export interface ConfigMap {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly object: JsonObject
}

/** ConfigMaps that are versions of one and the same; the newest counts, and only it. */
export interface VersionedConfigMap {
  /** The same whichever version counts: `guardrails`, `guardrails-*`, `versions-of=guardrails`. */
  readonly name: string
  readonly newest: ConfigMap
  readonly older: readonly ConfigMap[]
}

/**
 * kustomize's configMapGenerator ends a name with a hash of the contents: ten characters of hexadecimal in which
 * 0, 1, 3, a and e are replaced by g, h, k, m and t. No word and hardly a date is written in these letters.
 */
const hashed = /^(.+)-[2456789bcdfghkmt]{10}$/

/**
 * Puts together what are versions of one another: names that differ only in kustomize's hash, or ConfigMaps whose
 * annotation `mcp-authz.dev/versions-of` says the same. A tool that replaces one by the next has both there for a while,
 * and nothing may depend on the order in which it adds and deletes. Any other name stands for itself.
 */
export function versionConfigMaps(configMaps: Iterable<ConfigMap>): readonly VersionedConfigMap[] {
  const sets = new Map<string, ConfigMap[]>()
  for (const one of configMaps) {
    const name = setOf(one)
    sets.set(name, [...(sets.get(name) ?? []), one])
  }
  return [...sets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, versions]) => {
      const [newest, ...older] = versions.sort(newestFirst)
      return newest === undefined ? [] : [{ name, newest, older }]
    })
}

function setOf({ name, object }: ConfigMap): string {
  const annotations = memberOf(memberOf(object, 'metadata'), 'annotations')
  const set = annotations?.get(versionsOfAnnotation)
  // "=" and "*" are in no name, so that nobody can be taken for another by his name.
  if (typeof set === 'string' && set !== '') return `versions-of=${set.slice(0, 253)}`
  const base = hashed.exec(name)?.[1]
  return base === undefined ? name : `${base}-*`
}

/**
 * By the time of creation, which is in whole seconds; within one, by the last change. Then by name, so that all replicas
 * choose the same.
 */
function newestFirst(a: ConfigMap, b: ConfigMap): number {
  const [first, second] = [createdAt(a), createdAt(b)]
  if (first !== second) return first > second ? -1 : 1
  const changed = compareVersions(b.resourceVersion, a.resourceVersion) ?? 0
  return changed !== 0 ? changed : a.name > b.name ? -1 : 1
}

/** RFC 3339 in UTC, as the API server writes it: in order as text. */
function createdAt({ object }: ConfigMap): string {
  const created = memberOf(object, 'metadata')?.get('creationTimestamp')
  return typeof created === 'string' ? created : ''
}

/** A member that is an object; undefined for anything else. */
export function memberOf(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object?.get(name)
  return isJsonObject(value) ? value : undefined
}
