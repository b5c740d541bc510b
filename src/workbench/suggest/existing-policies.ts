import { CostBudget } from '../../cel/environment.js'
import { givesTo } from '../../decision/authorize-by-grants.js'
import { type HypotheticalCall, HypotheticalCalls, type ListedKind } from '../../decision/hypothetical-call.js'
import type { SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import type { Principal, UserInfo } from '../../identity/principal.js'
import type { Grant } from '../../policy/grant.js'
import type { PrincipalRole, Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Call } from '../../protocol/call.js'
import { type BindingIndex, createBindingIndex, entriesFor, type Scope } from '../../rbac/binding-index.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import { parseRbac } from '../../rbac/parse-rbac.js'
import type { RbacObject } from '../../rbac/rbac-objects.js'
import { createRoleResolver } from '../../rbac/role-rules.js'
import { virtualOperations } from '../../rbac/virtual-resources.js'
import { atOnce } from '../../sliced.js'
import { assumedPrincipal } from '../assumed-principal.js'
import type { Observations, SeenCaller, SeenServer } from './observations.js'
import { asTarget, type ObservedOperation, type ObservedTarget } from './observed-call.js'
import { documentKey } from './suggested-document.js'

/** Policies that stand already, and what they have to do with what was seen. */
export class ExistingPolicies {
  readonly snapshot: PolicySnapshot
  /** `Kind/namespace/name` of every document. */
  readonly taken: ReadonlySet<string>
  /** Groups that any of them names. */
  readonly groups: ReadonlySet<string>
  readonly #documents: readonly SourceDocument[]
  readonly #index: BindingIndex
  readonly #bindings: readonly RbacObject[]
  readonly #principals = new WeakMap<SeenCaller, Principal>()
  readonly #calls = new WeakMap<SeenCaller, HypotheticalCalls>()

  /** @param documents all that the snapshot was made of */
  constructor(snapshot: PolicySnapshot, documents: readonly SourceDocument[]) {
    this.snapshot = snapshot
    this.#documents = documents
    const objects = documents.flatMap(document =>
      rbacKinds.has(document.kind) ? (parseRbac(document).value ?? []) : [],
    )
    this.#index = atOnce(createBindingIndex(objects, atOnce(createRoleResolver(objects))))
    this.#bindings = objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
    this.taken = new Set([
      ...documents.map(({ kind, name, value }) =>
        documentKey(kind, String(valueAt(value, ['metadata', 'namespace'])), name),
      ),
      ...objects.map(one => documentKey(one.kind, 'namespace' in one ? one.namespace : '', one.name)),
    ])
    this.groups = new Set([
      ...objects.flatMap(one => ('subjects' in one ? one.subjects.flatMap(groupOf) : [])),
      ...documents.flatMap(({ kind, value }) =>
        kind === 'Grant' ? groupsIn(valueAt(value, ['spec', 'match', 'subjects'])) : [],
      ),
    ])
  }

  /** Whether RBAC of a Server stands in the documents. */
  knowsRbac(server: Server): boolean {
    return embeddedOf(server.authorizer) !== undefined
  }

  /** The Grants that give a target to a caller for certain; undefined if nothing here does. */
  givesTarget(server: Server, caller: SeenCaller, target: ObservedTarget): string | undefined {
    const candidates = this.#candidates(server, target)
    const givers = new Set<string>()
    for (const role of server.principals) {
      const giver = candidates.find(
        grant => this.#gives(grant, role, caller) && this.#isCertain(grant, server, caller, target),
      )
      if (giver === undefined) return undefined
      givers.add(`Grant/${giver.name}`)
    }
    return [...givers].sort().join(' and ')
  }

  /** The binding that gives an operation to a caller; its name is "" for any. */
  givesOperation(server: Server, caller: SeenCaller, operation: ObservedOperation): string | undefined {
    if (!this.knowsRbac(server)) return undefined
    const user = this.#userOf(caller, operation)
    if (user === undefined) return undefined
    for (const scope of this.#scopes(operation.namespace))
      for (const { bound } of entriesFor(scope, user))
        if (bound.rules.ok && bound.rules.rules.some(rule => rule.allows(operation))) return nameOf(bound)
    return undefined
  }

  /** `Kind/name` of the Grants and bindings that can have given nothing of what was seen, in order. */
  unused(observations: Observations): readonly string[] {
    const used = new Set<string>()
    for (const seen of observations.servers.values()) this.#use(seen, used)
    const grants = this.#documents.flatMap(({ kind, name }) => (kind === 'Grant' ? [`Grant/${name}`] : []))
    const asked = [...observations.servers.values()].some(({ name }) => {
      const server = this.snapshot.servers.byName(name)
      return server !== undefined && this.knowsRbac(server)
    })
    const bindings = asked ? this.#bindings.map(nameOfBinding) : []
    return [...grants, ...bindings].filter(name => !used.has(name)).sort()
  }

  #use(seen: SeenServer, used: Set<string>): void {
    const server = this.snapshot.servers.byName(seen.name)
    if (server === undefined) return
    const callers = [...seen.callers.values()]
    for (const target of seen.targets.values())
      for (const grant of this.#candidates(server, target)) {
        if (used.has(`Grant/${grant.name}`)) continue
        const gave = [...target.uses.keys()].some(index => {
          const caller = callers[index]
          return caller !== undefined && server.principals.some(role => this.#gives(grant, role, caller))
        })
        if (gave) used.add(`Grant/${grant.name}`)
      }
    for (const { operation, uses } of [...seen.operations.values(), ...seen.serverQuestions.values()])
      for (const index of uses.keys()) this.#useBindings(callers[index], operation, used)
    if (!server.require.includes('tools')) return
    for (const target of seen.targets.values())
      for (const index of target.uses.keys())
        for (const operation of virtualOf(server, target)) this.#useBindings(callers[index], operation, used)
  }

  #useBindings(caller: SeenCaller | undefined, operation: ObservedOperation, used: Set<string>): void {
    const user = caller && this.#userOf(caller, operation)
    if (user === undefined) return
    const asked = { ...operation, name: operation.name === '' ? undefined : operation.name }
    for (const scope of this.#scopes(operation.namespace))
      for (const { bound } of entriesFor(scope, user)) {
        const name = nameOf(bound)
        if (!used.has(name) && bound.rules.ok && bound.rules.rules.some(rule => rule.mayAllow(asked))) used.add(name)
      }
  }

  #scopes(namespace: string): readonly Scope[] {
    const local = namespace === '' ? undefined : this.#index.namespaces.get(namespace)
    return local === undefined ? [this.#index.cluster] : [this.#index.cluster, local]
  }

  #candidates(server: Server, target: ObservedTarget): readonly Grant[] {
    return this.snapshot.grants.candidates({ server: server.name, ...matchedPart(server, target) })
  }

  #gives(grant: Grant, role: PrincipalRole, caller: SeenCaller): boolean {
    return givesTo(grant, role, this.#principalOf(caller))
  }

  /** Of conditions only what hangs on nothing that a record does not hold. */
  #isCertain(grant: Grant, server: Server, caller: SeenCaller, target: ObservedTarget): boolean {
    if (grant.scopes.length > 0) return false
    if (!grant.conditional) return true
    if (target.kind === 'method' || unrecorded.some(name => grant.reads.has(name))) return false
    const calls = this.#callsOf(server, caller)
    const { call, tool, catalogTool } = matchedPart(server, target)
    const kind: ListedKind = target.kind
    const made: HypotheticalCall = calls.of(kind, call, tool, catalogTool, undefined)
    return grant.foresee(calls.foresight(made, false, new CostBudget(conditionBudget))).kind === 'true'
  }

  #callsOf(server: Server, caller: SeenCaller): HypotheticalCalls {
    const known = this.#calls.get(caller)
    if (known !== undefined) return known
    const made = new HypotheticalCalls({ snapshot: this.snapshot, server, principal: this.#principalOf(caller) })
    this.#calls.set(caller, made)
    return made
  }

  #userOf(caller: SeenCaller, { role }: ObservedOperation): UserInfo | undefined {
    const principal = this.#principalOf(caller)
    return role === 'user' ? principal.user : principal.agentUser
  }

  #principalOf(caller: SeenCaller): Principal {
    const known = this.#principals.get(caller)
    if (known !== undefined) return known
    const { kind, user, groups, agent, throughUnnamed } = caller
    const assumed = assumedPrincipal({ kind, user, groups, ...(agent !== undefined && { agent }) })
    const made = throughUnnamed ? { ...assumed, throughAgent: true } : assumed
    this.#principals.set(caller, made)
    return made
  }
}

const rbacKinds: ReadonlySet<string> = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'List'])
/** Variables that hold what records do not. */
const unrecorded = ['claims', 'scopes', 'tenant', 'workload', 'actors']
const conditionBudget = 10_000

function matchedPart(server: Server, target: ObservedTarget) {
  const { kind, name, method } = target
  const call: Call = {
    protocol: method === 'json' ? 'json' : 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: undefined,
    method,
    target: asTarget(target),
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  }
  const tool = kind === 'tool' ? name : undefined
  const catalogTool = kind === 'prompt' ? server.catalog?.prompts.get(name) : server.catalog?.tools.get(tool ?? '')
  return { call, tool, catalogTool }
}

function virtualOf(server: Server, target: ObservedTarget): readonly ObservedOperation[] {
  const { call } = matchedPart(server, target)
  return virtualOperations(server, call).flatMap(({ anyOf }) =>
    anyOf.flatMap(one => server.principals.map(role => ({ ...one, role }))),
  )
}

function nameOf({ binding }: { readonly binding: RbacObject }): string {
  return nameOfBinding(binding)
}

function nameOfBinding(binding: RbacObject): string {
  const namespace = 'namespace' in binding ? `${binding.namespace}/` : ''
  return `${binding.kind}/${namespace}${binding.name}`
}

function groupOf(subject: { readonly kind: string; readonly name: string }): readonly string[] {
  return subject.kind === 'Group' ? [subject.name] : []
}

/** Of a document that compiled. */
function groupsIn(subjects: unknown): readonly string[] {
  if (!Array.isArray(subjects)) return []
  return subjects.flatMap((_, index) => {
    const name = valueAt(subjects, [index, 'name'])
    return valueAt(subjects, [index, 'kind']) === 'Group' && typeof name === 'string' ? [name] : []
  })
}
