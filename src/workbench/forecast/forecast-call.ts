import { authorizeVirtual } from '../../decision/authorize-by-rbac.js'
import { catalogEntry, refuseByName } from '../../decision/authorize-call.js'
import { partsOf } from '../../decision/call-parts.js'
import { checkArguments } from '../../decision/check-arguments.js'
import type { Failure } from '../../decision/decision.js'
import { agentMissing } from '../../decision/each-principal.js'
import { failure } from '../../decision/failure.js'
import { type JudgedTrial, newTrial } from '../../decision/trial.js'
import { checkUpstreamIdentity } from '../../decision/upstream-headers.js'
import { hasTarget } from '../../policy/call-names.js'
import type { MatchedCall } from '../../policy/match.js'
import type { Requirement, Server } from '../../policy/server.js'
import type { Call } from '../../protocol/call.js'
import type { Authorizer } from '../../rbac/authorizer.js'
import type { CallFacts } from './call-facts.js'
import { forecastGrants } from './forecast-grants.js'
import { forecastGuardrails, type GuardrailForecast } from './forecast-guardrails.js'
import { forecastOperations, verdictOf } from './forecast-operations.js'
import { asOperation, knownOperations } from './known-operations.js'
import { RuleForesight } from './rule-foresight.js'
import { fails, inOrder, open, passes, type Verdict } from './verdict.js'

export interface Forecast {
  readonly verdict: Verdict
  /** What would be denied if it were enforced; undefined: that is not certain. */
  readonly would: readonly Failure[] | undefined
}

/**
 * What the pipeline makes of a call of which a part is not known, whatever that part is: stages 4 to 8 (DESIGN, section 5),
 * by the same rules and the same code as in service. Where the arguments are not known, they are taken to be such as the
 * tool takes: what only their names or types would be refused for is not foreseen. Never rejects.
 */
export async function forecastCall(facts: CallFacts): Promise<Forecast> {
  const trial = trialOf(facts)
  const { server } = trial
  const matched: MatchedCall = {
    server: server.name,
    call: trial.call,
    tool: trial.tool,
    catalogTool: trial.catalogTool,
  }
  const resolution = resolve(facts, trial, matched)
  const identity = server.principals.includes('agent') && trial.principal.agentUser === undefined
  const foresight = new RuleForesight(facts, trial)
  const before: Verdict[] = [identity ? fails(agentMissing()) : passes]
  const authorization = inOrder([resolution, await authorize(facts, trial, matched, foresight), upstream(facts, trial)])
  const guardrails = partsOf(trial.call).flatMap(call =>
    forecastGuardrails(facts, trial, { ...matched, call }, foresight),
  )
  const first = inOrder([...before, authorization])
  const enforced = inOrder([first, ...guardrails.filter(({ mode }) => mode === 'Enforce').map(one => one.verdict)])
  if (server.mode !== 'Audit') {
    // Nothing that only watches is asked about a call that was not given.
    const watched = guardrails.filter(({ mode }) => mode === 'Audit')
    return { verdict: enforced, would: first.kind === 'passes' ? wouldOf(watched) : [] }
  }
  const all = [...before, authorization].map(verdict => ({ mode: 'Audit', verdict }) as const)
  return { verdict: passes, would: wouldOf([...all, ...guardrails.filter(({ mode }) => mode !== 'Warn')]) }
}

function wouldOf(forecasts: readonly GuardrailForecast[]): readonly Failure[] | undefined {
  const would: Failure[] = []
  for (const { verdict } of forecasts) {
    if (verdict.kind === 'open' || (verdict.kind === 'fails' && !verdict.certain)) return undefined
    if (verdict.kind === 'fails') would.push(verdict.failure)
  }
  return would
}

function trialOf(facts: CallFacts): JudgedTrial {
  const { snapshot, principal, call, request, now, authorizer } = facts
  const tool = call.target.kind === 'tool' ? call.target.name : undefined
  const server = authorizer === undefined ? facts.server : withAuthorizer(facts.server, authorizer)
  const catalogTool = catalogEntry(server, call, tool)
  const trial = newTrial(request, snapshot, now, undefined)
  return { ...trial, id: facts.decisionId ?? trial.id, server, principal, call, tool, catalogTool }
}

function withAuthorizer(server: Server, authorizer: Authorizer): Server {
  const clusters = new Set([server.kubernetes.cluster, ...server.authorizers.keys()])
  return { ...server, authorizer, authorizers: new Map([...clusters].map(cluster => [cluster, authorizer])) }
}

/** What the catalogue says of the call; fills in what the stages after it look at. */
function resolve(facts: CallFacts, trial: JudgedTrial, matched: MatchedCall): Verdict {
  const { call, server, catalogTool } = trial
  const refused = refuseByName(trial)
  if (refused !== undefined) return fails(refused)
  const { guardrails, grants } = trial.snapshot
  if (facts.argumentsKnown === true) {
    const wrong = checkArguments(call, catalogTool, () => [guardrails.members(matched), grants.members(matched)])
    if (wrong !== undefined) return fails(wrong)
  }
  if (catalogTool === undefined) return passes
  if (facts.argumentsKnown === true) {
    const resolved = catalogTool.resolve(call.arguments ?? new Map(), server.kubernetes)
    trial.resolved = resolved
    if (!resolved.ok) return fails(failure(resolved.reason, resolved.message))
    trial.operations = resolved.operations
    trial.images = resolved.images
    trial.replicas = resolved.replicas
    return passes
  }
  const known = facts.operations && knownOperations(facts.operations, catalogTool, server.kubernetes)
  if (known?.complete !== true) return passes
  trial.operations = known.operations.map(asOperation)
  trial.resolved = {
    ok: true,
    cluster: server.kubernetes.cluster,
    operations: trial.operations,
    images: undefined,
    replicas: undefined,
  }
  return passes
}

async function authorize(
  facts: CallFacts,
  trial: JudgedTrial,
  matched: MatchedCall,
  foresight: RuleForesight,
): Promise<Verdict> {
  const { server, call } = trial
  if (!hasTarget(call))
    return server.connect === 'required'
      ? verdictOf(await authorizeVirtual(trial, call, 'authorization.connect'))
      : passes
  const verdicts: Verdict[] = []
  const scoped: Verdict[] = []
  for (const part of partsOf(call)) {
    for (const requirement of server.require) {
      if (requirement === 'grants') {
        const found = forecastGrants(facts, trial, { ...matched, call: part }, foresight)
        verdicts.push(found.given)
        scoped.push(found.scoped)
      } else verdicts.push(await authorizeByRbac(facts, trial, part, requirement))
    }
  }
  // A login is asked for only where nothing else is missing.
  return inOrder([...verdicts, ...scoped])
}

async function authorizeByRbac(
  facts: CallFacts,
  trial: JudgedTrial,
  call: Call,
  requirement: Exclude<Requirement, 'grants'>,
): Promise<Verdict> {
  if (requirement === 'operations') return forecastOperations(facts, { ...trial, call })
  const virtual = verdictOf(await authorizeVirtual(trial, call, 'authorization.virtual'))
  const alsoOperations = call.target.kind === 'prompt' && trial.catalogTool !== undefined
  return alsoOperations ? inOrder([virtual, await forecastOperations(facts, { ...trial, call })]) : virtual
}

/** Whether the caller can be told to the server behind; parts of that are said by claims. */
function upstream({ unknowns }: CallFacts, trial: JudgedTrial): Verdict {
  const { authorization, identity, impersonation } = trial.server.upstream
  const unknown = (variable: string, member?: string) =>
    unknowns.some(([first, second]) => first === variable && (second === undefined || second === member))
  const on: string[] = []
  const readsAudience = trial.principal.onBehalfOf === undefined && trial.principal.kind !== 'anonymous'
  if (authorization === 'passthrough' && readsAudience && unknown('claims', 'aud')) on.push('claims.aud')
  if (identity === 'impersonation') {
    if (impersonation.uid && unknown('user', 'uid')) on.push('user.uid')
    if (impersonation.extra.length > 0 && unknown('user', 'extra')) on.push('user.extra')
  }
  if (on.length > 0) return open(on)
  return verdictOf(checkUpstreamIdentity(trial))
}
