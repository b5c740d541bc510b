import type { Activation, CostBudget, UnknownPattern } from '../cel/environment.js'
import type { Principal } from '../identity/principal.js'
import { AuthorizerQuestions } from '../policy/authorizer-questions.js'
import { activationOf } from '../policy/expression-environment.js'
import type { Grant } from '../policy/grant.js'
import type { ForeseenJudgement, Guardrail } from '../policy/guardrail.js'
import type { MatchedCall } from '../policy/match.js'
import type { ForeseenConditions, Foresight } from '../policy/partial-expressions.js'
import type { Server } from '../policy/server.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { Call, Target } from '../protocol/call.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { RequestHeaders } from '../protocol/request-headers.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { circumstancesOf } from './circumstances.js'
import { type JudgedTrial, newTrial, type Step, type Trial } from './trial.js'

export type ListedKind = 'tool' | 'prompt' | 'resource' | 'resourceTemplate'

/** Who looks at a list, through which address. */
export interface Viewer {
  readonly snapshot: PolicySnapshot
  readonly server: Server
  readonly principal: Principal
  /** Of the request for the list. Default: those of the Server. */
  readonly authority?: string
  readonly path?: string
  /** The list was asked for with a cursor: the last page of several does not tell by itself. Default: not known. */
  readonly paged?: boolean
  /** Milliseconds since the epoch after which nothing more is asked. Default: none. */
  readonly deadline?: number | undefined
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: number
}

/** The call that an item of a list is for, before anybody makes it. */
export interface HypotheticalCall {
  readonly trial: JudgedTrial
  readonly matched: MatchedCall
  readonly kind: ListedKind
}

const methods: Readonly<Record<ListedKind, string>> = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  resourceTemplate: 'resources/read',
}

export function targetOf(kind: ListedKind, name: string): Target {
  return { kind: kind === 'resourceTemplate' ? 'resource' : kind, name }
}

export function callOf(kind: ListedKind, name: string): Call {
  return {
    protocol: 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: '1',
    method: methods[kind],
    target: targetOf(kind, name),
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  }
}

/** A request of which nothing is known but where it goes. */
function requestTo({ server, authority, path, deadline }: Viewer): InboundRequest {
  return {
    method: 'POST',
    scheme: server.origin.startsWith('https') ? 'https' : 'http',
    authority: authority ?? server.host,
    path: path ?? server.sse?.messages ?? server.path,
    query: undefined,
    headers: RequestHeaders.from([]),
    body: { state: 'absent' },
    peer: { address: '', principal: '' },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    traceparent: undefined,
    deadline,
    listener: { name: 'visibility', door: 'visibility', profile: 'envoy', trust: 'none' },
  }
}

/** Makes hypothetical calls of one viewer; what does not depend on the item is made once. */
export class HypotheticalCalls {
  readonly #viewer: Viewer
  readonly #request: InboundRequest
  readonly #now: number
  readonly #unknowns = new Map<string, Unknowns>()
  #shared: Activation | undefined
  /** What trials of all items have in common; expressions have a budget of the whole list. */
  #trial: Trial | undefined

  constructor(viewer: Viewer) {
    this.#viewer = viewer
    this.#request = requestTo(viewer)
    this.#now = viewer.now ?? Date.now()
  }

  of(
    kind: ListedKind,
    call: Call,
    tool: string | undefined,
    catalogTool: CatalogTool | undefined,
    steps: Step[] | undefined,
  ): HypotheticalCall {
    const { snapshot, server, principal } = this.#viewer
    this.#trial ??= newTrial(this.#request, snapshot, this.#now, undefined)
    const trial: JudgedTrial = {
      ...this.#trial,
      ...{ server, principal, call, tool, catalogTool, steps },
      // What stages write to.
      ...{ questions: new AuthorizerQuestions(), asked: [], policies: [], would: [], warnings: [] },
    }
    return { kind, trial, matched: { server: server.name, call, tool, catalogTool } }
  }

  /** @param asks whether the authorizer answers at once what expressions ask it */
  foresight({ kind, trial }: HypotheticalCall, asks: boolean, budget: CostBudget): ForeseenCall {
    const own = activationOf(circumstancesOf(trial))
    this.#shared ??= own
    const shared = this.#shared
    const { unknowns, hidden, outcomes } = this.#unknownsOf(kind, trial, asks)
    return {
      unknowns,
      outcomes,
      budget,
      activation: name => (hidden.has(name) ? undefined : ofItem.has(name) ? own(name) : shared(name)),
    }
  }

  #unknownsOf(kind: ListedKind, trial: JudgedTrial, asks: boolean): Unknowns {
    const { server, catalogTool } = trial
    // Whose answers count is known with the arguments where one of them names the cluster.
    const elsewhere = catalogTool?.clusterArgument !== undefined && server.kubernetes.contexts.size > 0
    const authorizerKnown = asks && !elsewhere
    const listed = catalogTool?.arguments === undefined ? '' : JSON.stringify([...catalogTool.arguments])
    const key = `${kind} ${catalogTool !== undefined} ${authorizerKnown} ${listed}`
    const known = this.#unknowns.get(key)
    if (known !== undefined) return known
    const unknowns = unknownsOf(kind, trial, authorizerKnown)
    const hidden = new Set(unknowns.flatMap(pattern => (pattern.length === 1 ? pattern[0] : [])))
    const made: Unknowns = { unknowns, hidden, outcomes: { grants: new Map(), guardrails: new Map() } }
    this.#unknowns.set(key, made)
    return made
  }
}

/** What is unknown of calls that are alike. */
interface Unknowns {
  readonly unknowns: readonly UnknownPattern[]
  /** Variables of which nothing is known. */
  readonly hidden: ReadonlySet<string>
  readonly outcomes: Outcomes
}

/** By rule, what it said of another item of which the same is unknown. */
interface Outcomes {
  readonly grants: Map<Grant, ForeseenConditions>
  readonly guardrails: Map<Guardrail, ForeseenJudgement>
}

export interface ForeseenCall extends Foresight {
  readonly outcomes: Outcomes
}

interface Rule<Outcome> {
  /** Variables that its expressions read. */
  readonly reads: ReadonlySet<string>
  foresee(foresight: Foresight): Outcome
}

/**
 * What a rule says of a call. Rules that do not look at what is called say the same of every item of a list, so they are
 * evaluated once.
 */
export function foreseeRule<Outcome, R extends Rule<Outcome>>(
  rule: R,
  call: ForeseenCall,
  outcomes: Map<R, Outcome>,
): Outcome {
  if (rule.reads.has('mcp')) return rule.foresee(call)
  const known = outcomes.get(rule)
  if (known !== undefined) return known
  const outcome = rule.foresee(call)
  outcomes.set(rule, outcome)
  return outcome
}

/** Variables that are not the same for every item of a list. */
const ofItem: ReadonlySet<string> = new Set([
  'mcp',
  'args',
  'operations',
  'images',
  'replicas',
  'authorizer',
  'authorizer.requestResource',
])

/** Not known of any call before it is made. */
const always: readonly UnknownPattern[] = [
  ['request', 'id'],
  ['request', 'time'],
  ['request', 'headers'],
  ['request', 'sourceAddress'],
  ['mcp', 'params'],
  ['mcp', 'protocolVersion'],
]
const authorizer: readonly UnknownPattern[] = [['authorizer'], ['authorizer.requestResource']]
const resolved: readonly UnknownPattern[] = [['operations'], ['images'], ['replicas'], ['authorizer.requestResource']]

/** Without the catalogue's word there are no operations, images and replicas: not unknown, but absent. */
function unknownsOf(
  kind: ListedKind,
  { server, catalogTool }: JudgedTrial,
  authorizerKnown: boolean,
): readonly UnknownPattern[] {
  const unknowns = [...always]
  // Of arguments that the catalogue lists, those alone are unknown: a call with others is refused.
  const listed = catalogTool?.arguments
  if (kind === 'tool' || kind === 'prompt') {
    if (listed === undefined) unknowns.push(['args'])
    else for (const name of listed) unknowns.push(['args', name])
  }
  if (kind === 'resourceTemplate') unknowns.push(['mcp', 'resource'])
  if (kind === 'tool' && server.metaTools.size > 0) unknowns.push(['mcp', 'tool', 'via'])
  if (catalogTool !== undefined) unknowns.push(...resolved)
  if (!authorizerKnown) unknowns.push(...authorizer)
  return unknowns
}
