import { createHash } from 'node:crypto'
import type { SourceDocument } from '../../documents/source-document.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import { unknownMembers } from '../forecast/rule-foresight.js'

/** Compiled policies, and what of their text tells whether two sets say the same. */
export interface PolicySet {
  readonly snapshot: PolicySnapshot
  /** By `Guardrail/name`, of what is evaluated; by `Grant/name`, of all that it says. */
  readonly rules: ReadonlyMap<string, string>
  /** `Kind/name` of rules that name a member of operations which a record does not hold. */
  readonly readsMore: ReadonlySet<string>
  /** Of all documents that say who a caller is. */
  readonly identity: string
  /** Whether there are RBAC objects. Without any, permissions are those of a cluster. */
  readonly holdsRbac: boolean
}

/** @param documents all that the snapshot was made of */
export function policySet(snapshot: PolicySnapshot, documents: readonly SourceDocument[]): PolicySet {
  const rules = new Map<string, string>()
  const readsMore = new Set<string>()
  const identity: string[] = []
  for (const { kind, name, value } of documents) {
    if (kind === 'Guardrail') rules.set(`Guardrail/${name}`, digestOf(evaluatedPart(value)))
    if (kind === 'Grant') rules.set(`Grant/${name}`, digestOf(specOf(value)))
    if (names.test(JSON.stringify(specOf(value)) ?? '')) readsMore.add(`${kind}/${name}`)
    if (identityKinds.has(kind)) identity.push(`${kind}/${name} ${digestOf(value)}`)
  }
  return {
    snapshot,
    rules,
    readsMore,
    identity: digestOf(identity.sort()),
    holdsRbac: documents.some(({ kind }) => rbacKinds.has(kind)),
  }
}

/** As a word anywhere: also in a key that is put together of text there would be one. */
const names = new RegExp(`\\b(?:${unknownMembers.join('|')})\\b`)

const identityKinds: ReadonlySet<string> = new Set(['Identity', 'AuthenticationConfiguration'])
const rbacKinds: ReadonlySet<string> = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'List'])

/** Whether expressions see the same of calls at both, though one of them may enforce what the other one does not. */
export function sameView(a: PolicySet, b: PolicySet, name: string): boolean {
  const [one, other] = [viewOf(a, name), viewOf(b, name)]
  return one !== undefined && one === other
}

const views = new WeakMap<PolicySet, Map<string, string | undefined>>()

function viewOf(set: PolicySet, name: string): string | undefined {
  const known = views.get(set) ?? new Map<string, string | undefined>()
  views.set(set, known)
  if (!known.has(name)) {
    const server = set.snapshot.servers.byName(name)
    known.set(name, server && describeView(server, set.snapshot.versions.get(name)?.catalog ?? ''))
  }
  return known.get(name)
}

function describeView(server: Server, catalog: string): string {
  const { namespace, labels, protocol, toolPrefix, metaTools, kubernetes, methods, identity } = {
    ...server,
    identity: server.audience.identity,
  }
  const { cluster, defaultNamespace, contexts } = kubernetes
  return JSON.stringify([
    ...[namespace, [...labels].sort(), protocol, toolPrefix, [...metaTools.keys()].sort(), catalog],
    ...[cluster, defaultNamespace, [...contexts].sort(), [...methods].sort(), identity],
  ])
}

/** `match` and `mode` are looked at anew; the rest is what was evaluated. */
function evaluatedPart(value: unknown): unknown {
  const spec = specOf(value)
  if (typeof spec !== 'object' || spec === null) return spec
  const { variables, matchConditions, validations } = { variables: 0, matchConditions: 0, validations: 0, ...spec }
  return [variables, matchConditions, validations]
}

function specOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'spec' in value ? value.spec : undefined
}

function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex')
}
