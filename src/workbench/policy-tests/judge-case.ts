import { createDecide } from '../../decision/create-decide.js'
import type { Decision, Failure } from '../../decision/decision.js'
import type { ResultNotes } from '../../decision/result-notes.js'
import { createResultReview } from '../../decision/review-result.js'
import type { Step } from '../../decision/trial.js'
import { createVisibility, type ListedItem } from '../../decision/visibility.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { isJsonArray, isJsonObject, type JsonValue } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import type { Operation } from '../../rbac/operation.js'
import { type AssumedCaller, assume, assumedPrincipal } from '../assumed-principal.js'
import { serverOf } from './bind-tests.js'
import type { ObservedPolicies } from './observe-policies.js'
import type { PolicySet } from './policy-set.js'
import type { TestCase } from './policy-test.js'
import type { CallSpec, PrincipalSpec } from './policy-test-schema.js'
import type { RuleCoverage } from './rule-coverage.js'
import { methodOf, testRequest } from './test-request.js'
import { withoutId } from './without-id.js'

/** What came of one case. */
export interface Outcome {
  readonly server: Server
  readonly request: InboundRequest
  readonly decision: Decision
  readonly steps: readonly Step[]
  /** Why it was denied: the one that decided first, then what else enforcing Guardrails had against it. */
  readonly failures: readonly Failure[]
  /** undefined: no catalogue says what the call does. */
  readonly operations: readonly Operation[] | undefined
  /** Set where visibility was expected. */
  readonly visible: { readonly shown: boolean; readonly why: string; readonly steps: readonly Step[] } | undefined
  /** Set where a result was expected, and there is one. */
  readonly result: ReviewedResult | undefined
  /** What an error of our own said. */
  readonly bug: string | undefined
}

export interface ReviewedResult {
  /** As the client gets it. */
  readonly text: string
  readonly notes: ResultNotes
  /** Why there is none at all. */
  readonly refused: Failure | undefined
}

/** Judges a case by the code of the service, at its own time. */
export async function judgeCase(
  test: TestCase,
  { issuer, clock }: PolicySet,
  { snapshot, violations }: ObservedPolicies,
  coverage: RuleCoverage | undefined,
): Promise<Outcome> {
  const { asker, call, expectation, now } = test
  const { spec } = call
  const server = serverOf(call, snapshot)
  if (server === undefined) throw new Error(`the call "${call.name}" names no Server`)
  clock.now = now
  const token = asker.kind === 'token' ? await issuer.sign(asker.spec, server.audience) : undefined
  const assumed = asker.kind === 'principal' ? assumedPrincipal(callerOf(asker.spec)) : undefined
  const judgedBy = assumed === undefined ? snapshot : { ...snapshot, authenticator: assume(assumed) }
  const workload = asker.kind === 'nobody' ? undefined : asker.spec.workload
  const request = testRequest(server, spec, { token, workload })

  const steps: Step[] = []
  const policies: string[] = []
  let bug: string | undefined
  const decide = createDecide({
    snapshot: () => judgedBy,
    upstream: 'withheld',
    now: () => now,
    onDecided: ({ record }) => policies.push(...policiesIn(record())),
    onBug: error => {
      bug = error instanceof Error ? (error.stack ?? error.message) : String(error)
    },
  })
  violations()
  const decision = await decide(request, steps)
  const also = violations()
  const { failure } = decision
  const others = decision.outcome === 'deny' ? also.filter(one => !isSame(one, failure)) : []
  coverage?.noteDecision(steps, policies)
  const entry = catalogEntryOf(server, spec)
  if (entry !== undefined && steps.some(({ stage }) => stage === 'authorization'))
    coverage?.noteCatalog(entry.catalog, entry.field, entry.tool.name)
  return {
    ...{ server, request, decision, steps, bug },
    failures: failure === undefined ? [] : [failure, ...others],
    operations: entry && operationsOf(entry.tool, server, spec),
    visible:
      expectation.visible === undefined ? undefined : await judgeVisibility(judgedBy, server, request, spec, now),
    result:
      expectation.result === undefined || decision.outcome !== 'allow'
        ? undefined
        : await judgeResult(judgedBy, server, request, spec, now, coverage),
  }
}

/** The caller that a test names. */
export function callerOf({
  user,
  groups,
  uid,
  extra,
  agent,
  scopes,
  tenant,
  claims,
  issuer,
  workload,
  kind,
}: PrincipalSpec): AssumedCaller {
  const named = typeof agent === 'string' ? agentOf(agent) : agent
  return {
    user,
    ...(groups !== undefined && { groups }),
    ...(uid !== undefined && { uid }),
    ...(extra !== undefined && { extra: new Map(Object.entries(extra)) }),
    ...(named !== undefined && {
      agent: {
        issuer: named.issuer,
        id: named.id,
        ...(named.assurance !== undefined && { assurance: named.assurance }),
      },
    }),
    ...(scopes !== undefined && { scopes }),
    ...(tenant !== undefined && { tenant }),
    ...(claims !== undefined && { claims: jsonObject(claims) }),
    ...(issuer !== undefined && { issuer }),
    ...(workload !== undefined && { workload }),
    ...(kind !== undefined && { kind }),
  }
}

function agentOf(name: string): NonNullable<Exclude<PrincipalSpec['agent'], string>> {
  const colon = name.indexOf(':')
  return { issuer: name.slice(0, colon), id: name.slice(colon + 1) }
}

function jsonObject(value: object): ReadonlyMap<string, JsonValue> {
  const read = parseStrictJson(Buffer.from(JSON.stringify(value)))
  return read.ok && isJsonObject(read.value) ? read.value : new Map()
}

function isSame(one: Failure, other: Failure | undefined): boolean {
  return one.policy === other?.policy && one.reason === other.reason && one.message === other.message
}

/** The record of a decision names the policies that took part. */
function policiesIn(record: string): readonly string[] {
  const read = parseStrictJson(Buffer.from(record))
  const policies = read.ok && isJsonObject(read.value) ? read.value.get('policies') : undefined
  return isJsonArray(policies) ? policies.filter(one => typeof one === 'string') : []
}

function catalogEntryOf({ catalog, toolPrefix }: Server, { tool, prompt }: CallSpec) {
  if (catalog === undefined) return undefined
  const field = tool === undefined ? 'prompts' : 'tools'
  const name = tool?.startsWith(toolPrefix) === true ? tool.slice(toolPrefix.length) : prompt
  const found = name === undefined ? undefined : catalog[field].get(name)
  return found && ({ catalog: catalog.name, field, tool: found } as const)
}

function operationsOf(
  tool: NonNullable<ReturnType<typeof catalogEntryOf>>['tool'],
  { kubernetes }: Server,
  { arguments: given = {} }: CallSpec,
): readonly Operation[] {
  const read = parseStrictJson(Buffer.from(typeof given === 'string' ? given : JSON.stringify(given)))
  const resolved = tool.resolve(read.ok && isJsonObject(read.value) ? read.value : new Map(), kubernetes)
  return resolved.ok ? resolved.operations : []
}

async function judgeVisibility(
  snapshot: PolicySnapshot,
  server: Server,
  request: InboundRequest,
  spec: CallSpec,
  now: number,
): Promise<NonNullable<Outcome['visible']>> {
  const authenticated = await snapshot.authenticator.authenticate(request, server.audience)
  if (!authenticated.ok) return { shown: false, why: authenticated.message, steps: [] }
  const { principal } = authenticated
  const steps: Step[] = []
  const item = itemOf(spec)
  if (item === undefined) return { shown: false, why: 'no list has it', steps }
  const judged = await createVisibility({ snapshot, server, principal, now }).judge(item, steps)
  return { shown: judged.shown, why: judged.shown ? '' : `${judged.why.reason}: ${judged.why.message}`, steps }
}

function itemOf({ tool, prompt, resource, resourceTemplate }: CallSpec): ListedItem | undefined {
  if (tool !== undefined) return { kind: 'tool', name: tool }
  if (prompt !== undefined) return { kind: 'prompt', name: prompt }
  if (resource !== undefined) return { kind: 'resource', name: resource }
  return resourceTemplate === undefined ? undefined : { kind: 'resourceTemplate', name: resourceTemplate }
}

async function judgeResult(
  snapshot: PolicySnapshot,
  server: Server,
  request: InboundRequest,
  spec: CallSpec,
  now: number,
  coverage: RuleCoverage | undefined,
): Promise<ReviewedResult> {
  const { result = {}, tool } = spec
  const value = typeof result === 'string' ? { content: [{ type: 'text', text: result }] } : result
  const bytes = Buffer.from(JSON.stringify(value))
  let guarded: { readonly notes: ResultNotes; readonly decisionId: string } = { notes: nothingNoted, decisionId: '' }
  const review = createResultReview({
    snapshot: () => snapshot,
    now: () => now,
    onGuarded: told => {
      guarded = told
    },
  })
  const named = tool?.startsWith(server.toolPrefix) === true ? tool.slice(server.toolPrefix.length) : undefined
  const reviewed = await review({ request, method: methodOf(spec) ?? '', tool: named, result: bytes })
  coverage?.noteResult(
    snapshot.resultGuardrails.ofServer(server.name).map(({ name }) => name),
    [...textsIn(value)],
    bytes.length,
  )
  const { notes, decisionId } = guarded
  if (!reviewed.ok) return { text: '', notes, refused: reviewed.decision.failure }
  const text = Buffer.from(reviewed.result).toString('utf8')
  return { text: decisionId === '' ? text : withoutId(text, { id: decisionId }), notes, refused: undefined }
}

const nothingNoted: ResultNotes = { failures: [], would: [], warnings: [], redactions: [] }

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) {
      yield key
      yield* textsIn(item)
    }
}
