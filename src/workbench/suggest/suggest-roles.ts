import type { PrincipalRole, Server } from '../../policy/server.js'
import type { Call } from '../../protocol/call.js'
import { compareNames } from '../../rbac/compare-names.js'
import { isNamespaceName } from '../../rbac/kubernetes-names.js'
import { rbacApiGroup } from '../../rbac/rbac-schema.js'
import { virtualOperations } from '../../rbac/virtual-resources.js'
import { type Assigned, type SubjectAssigner, type SuggestedSubject, subjectsKey } from './assign-subjects.js'
import type { SeenCaller, SeenOperation, SeenServer, SeenTarget, Uses } from './observations.js'
import { asTarget, type ObservedOperation } from './observed-call.js'
import {
  commentsOn,
  count,
  type DocumentNames,
  givenBy,
  type SuggestedDocument,
  slugOf,
  subjectNotes,
  total,
} from './suggested-document.js'

export interface RoleOptions {
  /** What calls do in terms of Kubernetes. */
  readonly operations: boolean
  /** The virtual resources that stand for tools and the like. */
  readonly targets: boolean
  /** The Server's document, where it is known. */
  readonly server?: Server | undefined
  /** Who gives it to him already; the name is "" for any. Default: nobody. */
  readonly given?: ((caller: SeenCaller, operation: ObservedOperation) => string | undefined) | undefined
  /** Leaves out what is given already. */
  readonly onlyMissing?: boolean
}

/** One thing that somebody needs. */
interface Permission {
  readonly operation: ObservedOperation
  /** undefined: any. */
  readonly name: string | undefined
  readonly uses: Uses
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface SuggestedRoles {
  readonly documents: readonly SuggestedDocument[]
  /** Operations in namespaces that no RBAC object can be in. */
  readonly unwritable: number
}

const defaultNamespace = 'mcp-authz'

/** The roles and bindings by which RBAC allows what was seen at a Server. */
export function suggestRoles(
  seen: SeenServer,
  assigner: SubjectAssigner,
  names: DocumentNames,
  options: RoleOptions,
): SuggestedRoles {
  const all = [
    ...[...seen.serverQuestions.values()].flatMap(permissionsOf),
    ...(options.operations ? [...seen.operations.values()].flatMap(permissionsOf) : []),
    ...(options.targets ? targetPermissions(seen, options.server) : []),
  ]
  const callers = [...seen.callers.values()]
  const giver = (one: Permission, index: number): string | undefined => {
    const caller = callers[index]
    return caller && options.given?.(caller, { ...one.operation, name: one.name ?? '' })
  }
  const lacking = options.onlyMissing === true ? all.flatMap(one => narrowed(one, giver)) : all
  const writable = lacking.filter(({ operation: { namespace } }) => namespace === '' || isNamespaceName(namespace))
  const bundles = bundlesOf(withoutCovered(writable), callers, assigner)
  return {
    documents: bundles.flatMap(bundle => toDocuments(seen.name, bundle, assigner, names, giver)),
    unwritable: lacking.length - writable.length,
  }
}

function permissionsOf({ operation, names, uses }: SeenOperation): Permission[] {
  if (names === undefined || names.size === 0) return [{ operation, name: undefined, uses }]
  return [...names].map(([name, own]) => ({ operation, name, uses: own }))
}

function targetPermissions(seen: SeenServer, server: Server | undefined): Permission[] {
  const namespace = server?.namespace ?? seen.virtualNamespace ?? defaultNamespace
  const roles: readonly PrincipalRole[] = server?.principals ?? (seen.agentsAsked ? ['user', 'agent'] : ['user'])
  return [...seen.targets.values()].flatMap(target => {
    const attributes = virtualAttributes({ name: seen.name, namespace }, target)
    if (attributes === undefined) return []
    const { name, ...operation } = attributes
    return roles.map(role => ({ operation: { ...operation, role, name: '' }, name, uses: target.uses }))
  })
}

function virtualAttributes(server: { readonly name: string; readonly namespace: string }, target: SeenTarget) {
  const call: Call = {
    protocol: target.method === 'json' ? 'json' : 'mcp',
    kind: 'request',
    era: 'modern',
    version: undefined,
    id: undefined,
    method: target.method,
    target: asTarget(target),
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  }
  return virtualOperations(server, call)[0]?.anyOf[0]
}

type Giver = (permission: Permission, caller: number) => string | undefined

function narrowed(permission: Permission, giver: Giver): readonly Permission[] {
  const uses = new Map([...permission.uses].filter(([index]) => giver(permission, index) === undefined))
  return uses.size === 0 ? [] : [{ ...permission, uses }]
}

/** What somebody may do everywhere needs not be given in one namespace as well. */
function withoutCovered(permissions: readonly Permission[]): readonly Permission[] {
  const everywhere = new Map<string, Uses>()
  for (const { operation, name, uses } of permissions)
    if (operation.namespace === '') everywhere.set(keyOf(operation, name), uses)
  if (everywhere.size === 0) return permissions
  return permissions.flatMap(permission => {
    const { operation, name } = permission
    const covering = [everywhere.get(keyOf(operation, name)), everywhere.get(keyOf(operation, undefined))]
    if (operation.namespace === '') return [permission]
    const uses = new Map([...permission.uses].filter(([index]) => !covering.some(one => one?.has(index))))
    return uses.size === 0 ? [] : [{ ...permission, uses }]
  })
}

function keyOf({ role, verb, group, resource, subresource }: ObservedOperation, name: string | undefined): string {
  return JSON.stringify([role, verb, group, resource, subresource, name ?? null])
}

/** What the same subjects are given in the same namespaces. */
interface Bundle {
  readonly assigned: Assigned
  /** [""] for everywhere. */
  readonly namespaces: readonly string[]
  readonly rules: readonly Rule[]
  readonly permissions: readonly Permission[]
}

function bundlesOf(
  permissions: readonly Permission[],
  callers: readonly SeenCaller[],
  assigner: SubjectAssigner,
): readonly Bundle[] {
  const bySubjects = new Map<string, { assigned: Assigned; namespaces: Map<string, Permission[]> }>()
  for (const permission of permissions) {
    const { role, namespace } = permission.operation
    const assigned = role === 'user' ? assigner.assign(permission.uses.keys()) : agentsOf(permission.uses, callers)
    const key = subjectsKey(assigned.subjects)
    const entry = bySubjects.get(key) ?? { assigned, namespaces: new Map<string, Permission[]>() }
    bySubjects.set(key, entry)
    entry.namespaces.set(namespace, [...(entry.namespaces.get(namespace) ?? []), permission])
  }
  const bundles: Bundle[] = []
  for (const [, { assigned, namespaces }] of sorted(bySubjects)) {
    const alike = new Map<string, { namespaces: string[]; rules: readonly Rule[]; permissions: Permission[] }>()
    for (const [namespace, own] of sorted(namespaces)) {
      const rules = rulesOf(own)
      const key = JSON.stringify([namespace === '', rules])
      const entry = alike.get(key) ?? { namespaces: [], rules, permissions: [] }
      alike.set(key, entry)
      entry.namespaces.push(namespace)
      entry.permissions.push(...own)
    }
    for (const one of alike.values()) bundles.push({ assigned, ...one })
  }
  return bundles
}

function sorted<V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] {
  return [...map].sort(([a], [b]) => compareNames(a, b))
}

/** RBAC knows an agent as a user of its own. */
function agentsOf(uses: Uses, callers: readonly SeenCaller[]): Assigned {
  const names = new Set<string>()
  for (const index of uses.keys()) {
    const agent = callers[index]?.agent
    if (agent !== undefined) names.add(`agent:${agent.issuer}:${agent.id}`)
  }
  const subjects = [...names].sort(compareNames).map((name): SuggestedSubject => ({ kind: 'User', name }))
  return { subjects, ambiguous: [] }
}

/** The fewest rules that say exactly this: resources share one only where verbs and names are the same. */
function rulesOf(permissions: readonly Permission[]): readonly Rule[] {
  const resources = new Map<string, { group: string; resource: string; verbs: Map<string, Set<string> | 'any'> }>()
  for (const { operation, name } of permissions) {
    const { group, verb } = operation
    const resource =
      operation.subresource === '' ? operation.resource : `${operation.resource}/${operation.subresource}`
    const key = JSON.stringify([group, resource])
    const entry = resources.get(key) ?? { group, resource, verbs: new Map<string, Set<string> | 'any'>() }
    resources.set(key, entry)
    const names = entry.verbs.get(verb) ?? new Set<string>()
    if (name === undefined) entry.verbs.set(verb, 'any')
    else if (names !== 'any') entry.verbs.set(verb, names.add(name))
  }
  const rules = new Map<string, { group: string; resources: string[]; verbs: string[]; names: string[] | 'any' }>()
  for (const [, { group, resource, verbs }] of sorted(resources)) {
    const byNames = new Map<string, { verbs: string[]; names: string[] | 'any' }>()
    for (const [verb, named] of sorted(verbs)) {
      const names = named === 'any' ? named : [...named].sort(compareNames)
      const key = JSON.stringify(names)
      byNames.set(key, { names, verbs: [...(byNames.get(key)?.verbs ?? []), verb] })
    }
    for (const one of byNames.values()) {
      const key = JSON.stringify([group, one.verbs, one.names])
      const rule = rules.get(key) ?? { group, ...one, resources: [] }
      rules.set(key, rule)
      rule.resources.push(resource)
    }
  }
  return sorted(rules).map(([, { group, resources: named, verbs, names }]) => ({
    ...{ apiGroups: [group], resources: named, verbs },
    ...(names !== 'any' && { resourceNames: names }),
  }))
}

function toDocuments(
  server: string,
  { assigned, namespaces, rules, permissions }: Bundle,
  assigner: SubjectAssigner,
  documents: DocumentNames,
  giver: Giver,
): readonly SuggestedDocument[] {
  const apiVersion = `${rbacApiGroup}/v1`
  const [first = '', ...others] = namespaces
  const roleKind = first !== '' && others.length === 0 ? 'Role' : 'ClusterRole'
  const bindingKind = first === '' ? 'ClusterRoleBinding' : 'RoleBinding'
  const parts = [server, slugOf(assigned.subjects)]
  // One name for all of it, in whichever namespace.
  const name = documents.give([roleKind, bindingKind], roleKind === 'Role' ? first : '', ...parts)
  const uses = permissions.reduce((sum, one) => sum + total(one.uses), 0)
  const givers = permissions.flatMap(one => [...one.uses.keys()].map(index => giver(one, index)))
  const comments = [
    `${count(uses, 'question')} to RBAC${first === '' ? ', in all namespaces or in none' : ''}.`,
    ...givenBy(givers),
  ]
  const role: SuggestedDocument = {
    ...{ kind: roleKind, server, name, namespace: roleKind === 'Role' ? first : '' },
    value: {
      ...{ apiVersion, kind: roleKind, metadata: { name, ...(roleKind === 'Role' && { namespace: first }) }, rules },
    },
    comments: [...comments, ...commentsOnRules(rules)],
    notes: [],
  }
  const roleRef = { apiGroup: rbacApiGroup, kind: roleKind, name }
  const subjects = assigned.subjects.map(subject =>
    subject.kind === 'ServiceAccount' ? subject : { apiGroup: rbacApiGroup, ...subject },
  )
  const bindings = namespaces.map(
    (namespace): SuggestedDocument => ({
      ...{ kind: bindingKind, server, name, namespace },
      value: {
        ...{ apiVersion, kind: bindingKind, metadata: { name, ...(namespace !== '' && { namespace }) } },
        ...{ roleRef, subjects },
      },
      comments: commentsOn(assigned),
      notes: subjectNotes(['subjects'], assigned, assigner),
    }),
  )
  return [role, ...bindings]
}

const escalating: ReadonlySet<string> = new Set(['escalate', 'bind', 'impersonate'])

/** What security reviews look for. */
function commentsOnRules(rules: readonly Rule[]): readonly string[] {
  const comments: string[] = []
  const some = (resource: string, verbs?: readonly string[]) =>
    rules.some(
      rule =>
        rule.resources.includes(resource) && (verbs === undefined || rule.verbs.some(verb => verbs.includes(verb))),
    )
  if (some('secrets')) comments.push('It reaches secrets: is that meant?')
  if (some('pods/exec') || some('pods/attach') || some('nodes/proxy'))
    comments.push('It runs commands in containers or on nodes: is that meant?')
  const rbac = rules.some(
    ({ apiGroups, verbs }) => apiGroups.includes(rbacApiGroup) && verbs.some(verb => !reading.has(verb)),
  )
  if (rbac || rules.some(({ verbs }) => verbs.some(verb => escalating.has(verb))))
    comments.push('It changes who may do what: is that meant?')
  return comments
}

const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch'])
