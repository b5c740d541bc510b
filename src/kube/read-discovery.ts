import { isJsonArray, isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../protocol/json-value.js'

/** One resource that an API server serves. */
export interface DiscoveredResource {
  /** "" is core. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Plural, as in RBAC. */
  readonly resource: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Such as `scale` and `status`. */
  readonly subresources: readonly string[]
}

/** Resources by group and version (`apps/v1`, `v1`); undefined where the API server does not know them just now. */
export type ResourcesByVersion = ReadonlyMap<string, readonly DiscoveredResource[] | undefined>

/** An APIGroupDiscoveryList (apidiscovery.k8s.io/v2): all groups in one answer; undefined for an answer of another form. */
export function readAggregatedDiscovery(body: JsonValue): ResourcesByVersion | undefined {
  if (!isJsonObject(body) || body.get('kind') !== 'APIGroupDiscoveryList') return undefined
  const found = new Map<string, readonly DiscoveredResource[] | undefined>()
  for (const group of objects(body, 'items')) {
    const metadata = group.get('metadata')
    const name = isJsonObject(metadata) ? (metadata.get('name') ?? '') : ''
    if (typeof name !== 'string') continue
    for (const version of objects(group, 'versions')) {
      const text = version.get('version')
      if (typeof text !== 'string' || text === '') continue
      const resources = objects(version, 'resources').flatMap(resource => readAggregated(name, text, resource))
      // An aggregated API server that has never answered: it serves something, but nobody knows what.
      const unknown = version.get('freshness') === 'Stale' && resources.length === 0
      found.set(groupVersion(name, text), unknown ? undefined : resources)
    }
  }
  return found
}

function readAggregated(group: string, version: string, given: JsonObject): DiscoveredResource[] {
  const response = given.get('responseKind')
  const kind = isJsonObject(response) ? response.get('kind') : undefined
  const subresources = objects(given, 'subresources').map(one => one.get('subresource'))
  return describe({
    ...{ group, version, kind, subresources },
    resource: given.get('resource'),
    namespaced: given.get('scope') === 'Namespaced',
    verbs: given.get('verbs'),
  })
}

/** Group versions of an APIVersions (`/api`) or an APIGroupList (`/apis`); undefined for an answer of another form. */
export function readGroupVersions(body: JsonValue): readonly string[] | undefined {
  if (!isJsonObject(body)) return undefined
  switch (body.get('kind')) {
    case 'APIVersions':
      return list(body, 'versions').filter(version => typeof version === 'string')
    case 'APIGroupList':
      return objects(body, 'groups').flatMap(group =>
        objects(group, 'versions')
          .map(version => version.get('groupVersion'))
          .filter(text => typeof text === 'string'),
      )
    default:
      return undefined
  }
}

/** An APIResourceList (`/api/v1`, `/apis/apps/v1`); undefined for an answer of another form. */
export function readResourceList(body: JsonValue, of: string): readonly DiscoveredResource[] | undefined {
  if (!isJsonObject(body) || body.get('kind') !== 'APIResourceList') return undefined
  const slash = of.indexOf('/')
  const group = slash < 0 ? '' : of.slice(0, slash)
  const version = of.slice(slash + 1)
  const all = objects(body, 'resources')
  const subresources = subresourcesOf(all)
  return all.flatMap(given => {
    const resource = given.get('name')
    if (typeof resource !== 'string' || resource.includes('/')) return []
    const namespaced = given.get('namespaced') === true
    return describe({
      group,
      version,
      kind: given.get('kind'),
      resource,
      namespaced,
      verbs: given.get('verbs'),
      subresources: subresources.get(resource) ?? [],
    })
  })
}

/** `deployments/scale` is a resource of its own in the old form. */
function subresourcesOf(all: readonly JsonObject[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const one of all) {
    const name = one.get('name')
    const slash = typeof name === 'string' ? name.indexOf('/') : -1
    if (typeof name !== 'string' || slash < 0) continue
    const resource = name.slice(0, slash)
    const known = found.get(resource)
    if (known === undefined) found.set(resource, [name.slice(slash + 1)])
    else known.push(name.slice(slash + 1))
  }
  return found
}

export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`
}

interface Described {
  readonly group: string
  readonly version: string
  readonly kind: JsonValue | undefined
  readonly resource: JsonValue | undefined
  readonly namespaced: boolean
  readonly verbs: JsonValue | undefined
  readonly subresources: readonly (JsonValue | undefined)[]
}

/** Nothing for what has no kind or plural of its own. */
function describe({
  group,
  version,
  kind,
  resource,
  namespaced,
  verbs,
  subresources,
}: Described): DiscoveredResource[] {
  if (typeof kind !== 'string' || kind === '' || typeof resource !== 'string' || resource === '') return []
  if (resource.includes('/')) return []
  const text = (value: JsonValue | undefined) => typeof value === 'string'
  const given = isJsonArray(verbs) ? verbs : []
  return [
    {
      ...{ group, version, kind, resource, namespaced },
      verbs: given.filter(text),
      subresources: subresources.filter(text),
    },
  ]
}

function list(holder: JsonObject, field: string): JsonArray {
  const value = holder.get(field)
  return isJsonArray(value) ? value : []
}

function objects(holder: JsonObject, field: string): readonly JsonObject[] {
  return list(holder, field).filter(isJsonObject)
}
