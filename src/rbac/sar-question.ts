import { isLabelKey, isLabelValue } from './kubernetes-names.js'
import type { AccessAttributes, SelectorRequirement, UrlAttributes } from './operation.js'
import type { SarUserFields } from './sar-user.js'
import { isWellFormed } from './well-formed.js'

/** Longest texts in UTF-16 units. An API server takes names of megabytes, and others pay for that. */
const longest = { field: 253, name: 4096, path: 8192, selectors: 16_384, requirements: 256 } as const

/** Sum of all lengths from which on an answer is not kept (as in the API server's own webhook authorizer). */
const cacheableBelow = 10_000

/**
 * What tells a question about a resource from all others of the same user: first the lengths of its texts, one character
 * each, then the texts, so that none can pass for a part of another. undefined when it is too long to be kept.
 */
export function resourceKey(attributes: AccessAttributes): string | undefined {
  const { verb, group, resource, subresource, namespace, name, fieldSelector, labelSelector } = attributes
  const [v, g, r, s, ns, n] = [
    verb.length,
    group.length,
    resource.length,
    subresource.length,
    namespace.length,
    name.length,
  ]
  if (v + g + r + s + ns + n >= cacheableBelow) return undefined
  const plain = `R${String.fromCharCode(v, g, r, s, ns, n)}${verb}${group}${resource}${subresource}${namespace}${name}`
  if (!fieldSelector?.length && !labelSelector?.length) return plain
  const key = plain + selectorKey(fieldSelector) + selectorKey(labelSelector)
  return key.length < cacheableBelow ? key : undefined
}

export function urlKey({ verb, path }: UrlAttributes): string | undefined {
  if (verb.length + path.length >= cacheableBelow) return undefined
  return `U${String.fromCharCode(verb.length, path.length)}${verb}${path}`
}

function selectorKey(requirements: readonly SelectorRequirement[] = []): string {
  let key = `S${requirements.length}`
  for (const { key: of, operator, values } of requirements) {
    key += `,${values.length}:${of.length}:${of}${operator.length}:${operator}`
    for (const value of values) {
      if (key.length >= cacheableBelow) return key
      key += `${value.length}:${value}`
    }
  }
  return key
}

/** Why a question is not asked, whatever the answer would be; undefined when nothing speaks against it. */
export function resourceProblem(attributes: AccessAttributes): string | undefined {
  const { verb, group, resource, subresource, namespace, name, fieldSelector = [], labelSelector = [] } = attributes
  const fields = { verb, 'API group': group, resource, subresource, namespace }
  for (const [what, text] of Object.entries(fields)) {
    if (text.length > longest.field) return `the ${what} is longer than ${longest.field} characters`
    // RBAC would read "a/b" as the subresource b of a, which is another question.
    if (text.includes('/')) return `the ${what} holds a "/"`
  }
  if (name.length > longest.name) return `the name is longer than ${longest.name} characters`
  const requirements = [...fieldSelector, ...labelSelector]
  const texts = requirements.flatMap(one => [one.key, one.operator, ...one.values])
  if (requirements.length > longest.requirements || total(texts) > longest.selectors)
    return 'the selectors are too long'
  // Such a review the API server does not look at at all (422).
  if (!requirements.every(hasItsValues)) return 'a selector lists values where it must not, or none where it must'
  if (!fieldSelector.every(({ key }) => key !== '')) return 'a field selector names no field'
  if (!labelSelector.every(({ key, values }) => isLabelKey(key) && values.every(isLabelValue)))
    return 'a label selector holds what cannot be a label'
  return [...Object.values(fields), name, ...texts].every(isWellFormed) ? undefined : notWellFormed
}

function hasItsValues({ operator, values }: SelectorRequirement): boolean {
  return values.length > 0 === (operator === 'In' || operator === 'NotIn')
}

export function urlProblem({ verb, path }: UrlAttributes): string | undefined {
  if (verb.length > longest.field) return `the verb is longer than ${longest.field} characters`
  if (path.length > longest.path) return `the path is longer than ${longest.path} characters`
  return isWellFormed(verb) && isWellFormed(path) ? undefined : notWellFormed
}

// JSON in Go reads half a surrogate pair as U+FFFD: the question would be another one.
const notWellFormed = 'a name in it is not well-formed Unicode'

/** An empty value costs something, too. */
function total(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, texts.length)
}

/** Spec of a SubjectAccessReview (authorization.k8s.io/v1): the user, and one of the two kinds of attributes. */
export interface SarSpec extends SarUserFields {
  readonly resourceAttributes?: Readonly<Record<string, unknown>>
  readonly nonResourceAttributes?: Readonly<Record<string, unknown>>
}

/** No version: RBAC knows none, and the API server takes that for any. */
export function resourceSpec(user: SarUserFields, attributes: AccessAttributes): SarSpec {
  const { verb, group, resource, subresource, namespace, name, fieldSelector, labelSelector } = attributes
  return {
    ...user,
    resourceAttributes: {
      verb,
      group,
      resource,
      subresource,
      namespace,
      name,
      ...(fieldSelector?.length && { fieldSelector: { requirements: fieldSelector.map(requirementOf) } }),
      ...(labelSelector?.length && { labelSelector: { requirements: labelSelector.map(requirementOf) } }),
    },
  }
}

export function urlSpec(user: SarUserFields, { verb, path }: UrlAttributes): SarSpec {
  return { ...user, nonResourceAttributes: { verb, path } }
}

function requirementOf({ key, operator, values }: SelectorRequirement): unknown {
  return values.length === 0 ? { key, operator } : { key, operator, values }
}

/** The body of the request. */
export function sarBody(spec: SarSpec): string {
  return JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec })
}
