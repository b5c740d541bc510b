import type { Random } from '../../fuzz/random.js'
import { metadataOf } from '../../rbac-oracle/generate.js'
import { generateObject } from '../../rbac-oracle/generate-object.js'
import { generateRequest } from '../../rbac-oracle/generate-request.js'
import type { Json } from '../../rbac-oracle/mutate-manifest.js'
import type { OracleRequest } from '../../rbac-oracle/question.js'
import { groupNames, userNames } from '../../rbac-oracle/vocabulary.js'

export interface RandomSet {
  readonly objects: readonly Json[]
  readonly requests: readonly OracleRequest[]
}

/** Namespaces that have to be there. */
export const setNamespaces = ['dev', 'prod', 'n-1'] as const

/** Label that the roles of a set have, and that its aggregated roles select by. */
const setLabel = 'example.com/set'

/**
 * Objects of which many sets can be in one API server at the same time: names of roles, bindings, users, groups and
 * accounts end in the number of the set, and its aggregated roles take rules from its own roles alone. Requests are about
 * these, and about what an API server has from the start (`defaults`).
 */
export function randomSet(random: Random, number: number, requests: number, defaults: readonly Json[]): RandomSet {
  const suffix = `-s${number}`
  const builtIn = defaults.filter(object => object.kind === 'ClusterRole' && hasRules(object))
  const made: Json[] = []
  const identities = new Set<string>()
  const count = 3 + random.int(8)
  for (let at = 0; at < count; at++) {
    const object = generateObject(random, false, at, made)
    const identity = JSON.stringify([object.kind, metadataOf(object).namespace, metadataOf(object).name])
    if (!identities.has(identity)) made.push(object)
    identities.add(identity)
  }
  const objects = made.map(object => rename(random, object, suffix, number, builtIn))
  const world = [...objects, ...defaults]
  return {
    objects,
    requests: Array.from({ length: requests }, () => {
      const about = random.chance(0.15) ? world : objects
      return renameRequest(random, generateRequest(random, about.length === 0 ? world : about), suffix)
    }),
  }
}

function hasRules({ rules }: Json): boolean {
  return Array.isArray(rules) && rules.length > 0
}

function rename(random: Random, object: Json, suffix: string, number: number, builtIn: readonly Json[]): Json {
  const { name, namespace, labels } = metadataOf(object)
  const metadata: Json = { name: `${name}${suffix}` }
  if (namespace !== undefined) metadata.namespace = namespace
  if (object.kind === 'ClusterRole') metadata.labels = { ...asRecord(labels), [setLabel]: String(number) }
  const renamed: Json = { ...object, metadata }
  if (object.aggregationRule !== undefined) {
    // Rules that are written into roles that aggregate each other keep each other alive; see test/rbac-oracle/README.md.
    delete renamed.rules
    const { clusterRoleSelectors = [] } = asRecord(object.aggregationRule)
    const confined = asList(clusterRoleSelectors).map(selector => ({
      ...selector,
      matchLabels: { ...asRecord(selector.matchLabels), [setLabel]: String(number) },
    }))
    renamed.aggregationRule = { clusterRoleSelectors: confined }
  }
  if (object.roleRef !== undefined) {
    const own = asRecord(object.roleRef)
    const role = builtIn.length > 0 && random.chance(0.1) ? random.pick(builtIn) : undefined
    renamed.roleRef =
      role === undefined
        ? { ...own, name: `${own.name}${suffix}` }
        : { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadataOf(role).name }
  }
  if (Array.isArray(object.subjects))
    renamed.subjects = asList(object.subjects).map(subject =>
      subject.name === '' ? subject : { ...subject, name: `${subject.name}${suffix}` },
    )
  return renamed
}

/** Names that the generator has from its vocabulary get what the names of the set's objects have. */
function renameRequest(random: Random, request: OracleRequest, suffix: string): OracleRequest {
  const own = (name: string, vocabulary: readonly string[]) => (vocabulary.includes(name) ? `${name}${suffix}` : name)
  // Questions about nobody and about resources with a slash are not asked by us; the next best ones are.
  const [resource = '', subresource = request.subresource] = request.resource.split('/')
  const groups = request.groups.map(group => own(group, groupNames))
  if (random.chance(0.3)) groups.push(random.pick(['system:authenticated', 'system:unauthenticated']))
  return {
    ...request,
    user: own(request.user, userNames) || `nobody${suffix}`,
    groups: groups.filter(group => group !== 'system:masters'),
    resource,
    subresource,
    namespace: request.namespace.replaceAll('/', '_'),
  }
}

function asRecord(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function asList(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(asRecord) : []
}
