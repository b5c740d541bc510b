import type { ResourceAttributes } from './operation.js'
import type { PolicyRule } from './rbac-objects.js'

/** A PolicyRule prepared for questions; the cost of one does not grow with the length of its lists. */
export interface CompiledRule {
  allows(attributes: ResourceAttributes): boolean
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
  const anyResource = resources.has('*')
  const names = new Set(rule.resourceNames)
  // All trailing stars are stripped, as the API server does: `/a***` covers `/ab/c`.
  const urlPrefixes = rule.nonResourceURLs.filter(url => url.endsWith('*')).map(withoutTrailingStars)
  const urls = new Set(rule.nonResourceURLs)

  const coversResource = (resource: string, subresource: string): boolean => {
    if (anyResource) return true
    if (subresource === '') return resources.has(resource)
    // `pods/*` is no wildcard; `*/scale` is.
    return resources.has(`${resource}/${subresource}`) || resources.has(`*/${subresource}`)
  }

  return {
    allows: ({ verb, group, resource, subresource, name }) =>
      verbs(verb) &&
      groups(group) &&
      coversResource(resource, subresource) &&
      (rule.resourceNames.length === 0 || names.has(name)),
    allowsUrl: (verb, path) => verbs(verb) && (urls.has(path) || urlPrefixes.some(prefix => path.startsWith(prefix))),
  }
}

function matcher(list: readonly string[]): (value: string) => boolean {
  const values = new Set(list)
  return values.has('*') ? () => true : value => values.has(value)
}

function withoutTrailingStars(url: string): string {
  let end = url.length
  while (end > 0 && url[end - 1] === '*') end--
  return url.slice(0, end)
}
