import type { ResourceAttributes } from './operation.js'
import type { PolicyRule } from './rbac-objects.js'

/** A request of which not all is known yet; `undefined` stands for "whatever it will be". */
export interface PossibleAttributes {
  readonly verb: string
  readonly group: string | undefined
  readonly resource: string | undefined
  readonly subresource: string
  /** "" for cluster scope or all namespaces. */
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/** A PolicyRule prepared for questions; the cost of one does not grow with the length of its lists. */
export interface CompiledRule {
  readonly rule: PolicyRule
  allows(attributes: ResourceAttributes): boolean
  /** Whether it allows the request for some value of what is unknown; the namespace is not looked at. */
  mayAllow(attributes: PossibleAttributes): boolean
  allowsUrl(verb: string, path: string): boolean
}

/**
 * Compiles a rule with the semantics of Kubernetes (pkg/apis/rbac/v1/evaluation_helpers.go). An empty list of verbs,
 * groups or resources matches nothing; a rule with resourceNames does not cover requests without a name.
 */
export function compileRule(rule: PolicyRule): CompiledRule {
  const verbs = matcher(rule.verbs)
  const groups = matcher(rule.apiGroups)
  const resources = new Set(rule.resources)
  const withSubresource = bySubresource(rule.resources)
  // Kubernetes has no such resource; a rule that names one all the same is compared as a whole.
  const deeper = rule.resources.some(resource => resource.indexOf('/') !== resource.lastIndexOf('/'))
  const anyResource = resources.has('*')
  const names = new Set(rule.resourceNames)
  const anyName = names.size === 0
  // All trailing stars are stripped, as the API server does: `/a***` covers `/ab/c`.
  const urlPrefixes = rule.nonResourceURLs.filter(url => url.endsWith('*')).map(withoutTrailingStars)
  const urls = new Set(rule.nonResourceURLs)

  const coversResource = (resource: string, subresource: string): boolean => {
    if (anyResource) return true
    if (subresource === '') return resources.has(resource)
    // `pods/*` is no wildcard; `*/scale` is.
    const found = withSubresource.get(subresource)
    if (found !== undefined && (found.has(resource) || found.has('*'))) return true
    return deeper && (resources.has(`${resource}/${subresource}`) || resources.has(`*/${subresource}`))
  }
  const coversSome = (subresource: string): boolean =>
    anyResource ||
    (subresource === '' ? resources.size > 0 : rule.resources.some(resource => resource.endsWith(`/${subresource}`)))

  return {
    rule,
    allows: ({ verb, group, resource, subresource, name }) =>
      verbs(verb) && groups(group) && coversResource(resource, subresource) && (anyName || names.has(name)),
    mayAllow: ({ verb, group, resource, subresource, name }) =>
      verbs(verb) &&
      (group === undefined ? rule.apiGroups.length > 0 : groups(group)) &&
      (resource === undefined ? coversSome(subresource) : coversResource(resource, subresource)) &&
      (anyName || name === undefined || names.has(name)),
    allowsUrl: (verb, path) => verbs(verb) && (urls.has(path) || urlPrefixes.some(prefix => path.startsWith(prefix))),
  }
}

/** What stands before the first slash, by what stands behind it: to join the two for every question costs more than the question. */
function bySubresource(resources: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  // Most rules have none, and clusters have many rules.
  let found: Map<string, Set<string>> | undefined
  for (const entry of resources) {
    const slash = entry.indexOf('/')
    if (slash < 0) continue
    const subresource = entry.slice(slash + 1)
    found ??= new Map()
    const before = found.get(subresource) ?? new Set()
    found.set(subresource, before.add(entry.slice(0, slash)))
  }
  return found ?? none
}

const none: ReadonlyMap<string, ReadonlySet<string>> = new Map()

function matcher(list: readonly string[]): (value: string) => boolean {
  const values = new Set(list)
  return values.has('*') ? () => true : value => values.has(value)
}

function withoutTrailingStars(url: string): string {
  let end = url.length
  while (end > 0 && url[end - 1] === '*') end--
  return url.slice(0, end)
}
