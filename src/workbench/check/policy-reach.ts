import { limits } from '../../cel/limits.js'
import type { SourceDocument } from '../../documents/source-document.js'
import type { UserInfo } from '../../identity/principal.js'
import { decisionBudget } from '../../policy/decision-budget.js'
import { expressionsOf } from '../../policy/expression-places.js'
import { compileGlobs } from '../../policy/glob.js'
import type { MatchSpec } from '../../policy/match.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import { parseRbac } from '../../rbac/parse-rbac.js'
import type { PossibleOperation } from '../../rbac/possible-calls.js'
import { type CheckedSet, isAboutCalls, modeOf, rulesOf, type WrittenRule } from './checked-set.js'
import { isAboutTools, matchedTools } from './foreseen-calls.js'
import { possibleOperations } from './possible-operations.js'

/** What one policy is about, and what it costs. */
export interface PolicyReach {
  readonly policy: string
  readonly mode: string
  readonly servers: readonly string[]
  /** By name, without prefixes; undefined: any, since a Server that it matches has no catalogue. */
  readonly tools: readonly string[] | undefined
  /** Patterns, as written. */
  readonly prompts: readonly string[]
  readonly resources: readonly string[]
  /** It is about whatever a call can have as its target: any tool, prompt and resource. */
  readonly everything: boolean
  /** Empty: those that have a target. */
  readonly methods: readonly string[]
  readonly subjects: readonly string[]
  readonly agents: readonly string[]
  readonly cost: PolicyCost
}

/** In units of Kubernetes, of all its expressions together. */
export interface PolicyCost {
  /** Never less, where nothing fails on the way. */
  readonly min: number
  /** Never more, for what fits one message; each expression stops at its own limit. */
  readonly max: number
  /** For a large message as people send them. */
  readonly ordinary: number
  /** Of what one decision may cost, `ordinary` in a hundred. */
  readonly budgetPercent: number
}

/** What a Server's tools need that nobody is given. */
export interface ServerReach {
  readonly server: string
  readonly mode: string
  readonly require: readonly string[]
  readonly tools: number
  /** Whose operations no binding in files allows to anybody; undefined where an API server decides, or RBAC is not asked. */
  readonly callableByNobody: readonly string[] | undefined
}

export function policyReaches(set: CheckedSet): readonly PolicyReach[] {
  return ['Grant', 'Guardrail', 'Enrichment'].flatMap(kind => rulesOf(set, kind).map(rule => reachOf(kind, rule)))
}

function reachOf(kind: string, rule: WrittenRule): PolicyReach {
  const { document, match, servers } = rule
  const tools = new Set<string>()
  let known = true
  for (const server of servers) {
    const matched = matchedTools(rule, server)
    known &&= matched !== undefined
    for (const { name } of matched ?? []) tools.add(name)
  }
  const onlyOthers = !isAboutTools(rule) && (match.prompts !== undefined || match.resources !== undefined)
  const mode = !isAboutCalls(document) ? `${modeOf(document)}, results` : kind === 'Guardrail' ? modeOf(document) : ''
  return {
    policy: `${kind}/${document.name}`,
    mode,
    servers: servers.map(({ name }) => name),
    tools: known || onlyOthers ? [...tools].sort() : match.tools,
    prompts: match.prompts ?? [],
    resources: match.resources ?? [],
    everything: !isAboutTools(rule) && [match.prompts, match.resources, match.methods].every(one => one === undefined),
    methods: methodsOf(match),
    subjects: (match.subjects ?? []).map(subject =>
      subject.kind === 'ServiceAccount'
        ? `ServiceAccount ${subject.namespace}/${subject.name}`
        : `${subject.kind} ${subject.name}`,
    ),
    agents: (match.agents ?? []).map(({ kind: what, name }) => `${what} ${name}`),
    cost: costOf(rule),
  }
}

function methodsOf({ methods }: MatchSpec): readonly string[] {
  if (methods === undefined) return []
  const named = compileGlobs(methods)
  const known = [...methodTable.keys(), 'GET', 'DELETE', 'response', 'json']
  return [...new Set([...known.filter(named), ...methods.filter(name => !name.includes('*'))])]
}

function costOf({ document }: WrittenRule): PolicyCost {
  const costs = expressionsOf(document).flatMap(({ source, environment, result }) => {
    const compiled = environment.compile(source, result)
    return compiled.ok ? [compiled.program] : []
  })
  const bound = (units: number) => Math.min(units, limits.budget)
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + bound(value), 0)
  const ordinary = sum(costs.map(({ ordinaryCost }) => ordinaryCost))
  return {
    min: sum(costs.map(({ cost }) => cost.min)),
    max: sum(costs.map(({ cost }) => cost.max)),
    ordinary,
    budgetPercent: Math.round((ordinary * 1000) / decisionBudget) / 10,
  }
}

export function serverReaches(set: CheckedSet): readonly ServerReach[] {
  const operations = possibleOperations(set)
  const everybody = boundUsers(set.documents)
  return set.snapshot.servers.all.map(server => {
    const { name, mode, require, catalog } = server
    const embedded = embeddedOf(server.authorizer)
    const inFiles = embedded !== undefined && require.includes('operations') && everybody.length > 0
    const known = new Map<string, boolean>()
    const someoneCan = (operation: PossibleOperation): boolean => {
      const namespace = typeof operation.namespace === 'string' ? operation.namespace : undefined
      const can =
        known.get(operation.key) ??
        everybody.some(user => embedded?.mayAllow(user, { ...operation, namespace }) === true)
      known.set(operation.key, can)
      return can
    }
    const nobody = operations.filter(
      one =>
        one.server === server &&
        one.ways !== 'anything' &&
        !one.ways.some(way => way.cluster !== server.kubernetes.cluster || way.operations.every(someoneCan)),
    )
    const callableByNobody = inFiles ? nobody.map(({ tool }) => tool.name).sort() : undefined
    return { server: name, mode, require, tools: catalog?.tools.size ?? 0, callableByNobody }
  })
}

/** More are not looked at, and nothing is said of nobody then. */
const mostSubjects = 5000

/** One user for each subject of a binding; who is in two groups can do no more than the two together. */
function boundUsers(documents: readonly SourceDocument[]): readonly UserInfo[] {
  const users = new Map<string, UserInfo>()
  for (const document of documents) {
    if (document.apiVersion !== 'rbac.authorization.k8s.io/v1' && document.kind !== 'List') continue
    for (const object of parseRbac(document).value ?? []) {
      if (!('subjects' in object)) continue
      for (const { kind, name, namespace } of object.subjects) {
        const own = 'namespace' in object ? object.namespace : ''
        const account = `system:serviceaccount:${namespace === '' ? own : namespace}:${name}`
        const username = kind === 'User' ? name : kind === 'ServiceAccount' ? account : ''
        const groups = kind === 'Group' ? [name, 'system:authenticated'] : ['system:authenticated']
        users.set(`${kind} ${username} ${groups[0]}`, { username, uid: '', groups, extra: new Map() })
      }
    }
  }
  return users.size > mostSubjects ? [] : [...users.values()]
}
