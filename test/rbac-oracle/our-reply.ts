import { readDocuments } from '../../src/documents/read-documents.js'
import { createEmbeddedAuthorizer, type EmbeddedAuthorizer } from '../../src/rbac/embedded-authorizer.js'
import { parseRbac } from '../../src/rbac/parse-rbac.js'
import type { PolicyRule, RbacObject, Subject } from '../../src/rbac/rbac-objects.js'
import type { Json } from './mutate-manifest.js'
import type { OracleRequest, Question, Reply, Review } from './question.js'

/** What we say to a question that the program in go/ understands. */
export function ourReply({ objects, trust, requests }: Question): Reply {
  const refused: string[] = []
  const loaded: RbacObject[] = []
  for (const object of objects) {
    const read = trust ? { objects: [trusted(object as Json)], refused: '' } : loadManifest(object)
    refused.push(read.refused)
    loaded.push(...read.objects)
  }
  const authorizer = createEmbeddedAuthorizer(loaded)
  const answers = requests.map(({ user, groups, path, ...attributes }: OracleRequest) => {
    const who = { username: user, uid: '', groups, extra: new Map<string, readonly string[]>() }
    const { verb } = attributes
    const { allowed, reason } =
      path === undefined ? authorizer.authorize(who, attributes) : authorizer.authorizeUrl(who, { verb, path })
    return { allowed, reason }
  })
  const [first] = requests
  return first === undefined ? { refused, answers } : { refused, answers, review: review(authorizer, first) }
}

function review(authorizer: EmbeddedAuthorizer, { user, groups, namespace }: OracleRequest): Review {
  const who = { username: user, uid: '', groups, extra: new Map<string, readonly string[]>() }
  const said = authorizer.whatCan(who, namespace)
  return {
    resource: said.resourceRules.map(({ verbs, apiGroups, resources, resourceNames }) => ({
      Verbs: verbs,
      APIGroups: apiGroups,
      Resources: resources,
      ResourceNames: resourceNames,
    })),
    nonResource: said.nonResourceRules.map(({ verbs, nonResourceURLs }) => ({
      Verbs: verbs,
      NonResourceURLs: nonResourceURLs,
    })),
    incomplete: said.incomplete,
    error: said.evaluationError,
  }
}

/** What our loading makes of a manifest, and why it refuses it; "" where it does not. */
export function loadManifest(object: unknown): { readonly objects: readonly RbacObject[]; readonly refused: string } {
  const { documents, findings } = readDocuments('rbac.yaml', ascii(JSON.stringify(object)))
  const parsed = documents.map(parseRbac)
  const errors = [...findings, ...parsed.flatMap(one => one.findings)].filter(one => one.severity === 'error')
  const refused = errors.map(({ path, message }) => `${path}: ${message}`).join(', ')
  return { objects: parsed.flatMap(one => one.value ?? []), refused }
}

/** JSON is YAML once nothing in it is a character that YAML treats on its own terms. */
function ascii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** An object that no validation has seen; its types are right, because it was made without mutations. */
function trusted(manifest: Json): RbacObject {
  const { kind, metadata, rules, roleRef, subjects } = manifest as {
    kind: RbacObject['kind']
    metadata: { name: string; namespace?: string }
    rules?: Partial<PolicyRule>[]
    roleRef?: { kind: string; name: string }
    subjects?: Partial<Subject>[]
  }
  const { name, namespace = '' } = metadata
  const binding = {
    roleRef: { kind: roleRef?.kind ?? '', name: roleRef?.name ?? '' },
    subjects: (subjects ?? []).map(one => ({ kind: '', name: '', namespace: '', ...one })),
  }
  const none = { verbs: [], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] }
  const policyRules = (rules ?? []).map(rule => ({ ...none, ...rule }))
  switch (kind) {
    case 'Role':
      return { kind, name, namespace, rules: policyRules }
    case 'ClusterRole':
      return { kind, name, labels: new Map(), rules: policyRules, aggregation: undefined }
    case 'RoleBinding':
      return { kind, name, namespace, ...binding }
    case 'ClusterRoleBinding':
      return { kind, name, ...binding }
  }
}
