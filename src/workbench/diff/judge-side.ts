import { createDecide } from '../../decision/create-decide.js'
import type { Decision } from '../../decision/decision.js'
import type { Step } from '../../decision/trial.js'
import type { Principal } from '../../identity/principal.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import { assume, assumedPrincipal } from '../assumed-principal.js'
import { hypotheticalRequest } from '../hypothetical-request.js'
import type { MadeCall, Target } from './target.js'

/** How a call comes out, in words that two sets of policies share. */
export interface SideOutcome {
  readonly decision: 'allow' | 'deny'
  /** Reason code; "" of what is allowed. */
  readonly reason: string
  /** Every enforcing policy that denies it, sorted; those that changed nothing but their name have their old one. */
  readonly policies: readonly string[]
  /** What is only noted or told, and what is added: sorted. */
  readonly notes: readonly string[]
  /** For how far a call came: the further the stage, the higher. */
  readonly progress: number
}

export interface SideOptions {
  readonly snapshot: PolicySnapshot
  /** Snapshots in which the address of a Server is looked up if this one does not have it. */
  readonly others: readonly PolicySnapshot[]
  /** Names of headers that Enrichments of either set write. */
  readonly headers: ReadonlySet<string>
  /** A policy's name in the old set. */
  nameOf(policy: string): string
}

export type JudgeSide = (target: Target, call: MadeCall) => SideOutcome | Promise<SideOutcome>

const stages = ['framing', 'server', 'identity', 'message', 'method', 'session', 'authorization', 'guardrail']

/** Judges calls by some policies, by the code of the service. Each at its own time; nothing is sent or recorded. */
export function createSide({ snapshot, others, headers, nameOf }: SideOptions): JudgeSide {
  let principal: Principal = assumedPrincipal({ user: '' })
  let now = 0
  const authenticator = { ...assume(principal), authenticate: () => ({ ok: true, principal }) as const }
  const judgedBy = { ...snapshot, authenticator }
  const decide = createDecide({ snapshot: () => judgedBy, upstream: 'withheld', now: () => now })
  return (target, call) => {
    const server = [snapshot, ...others].map(one => one.servers.byName(target.server)).find(one => one !== undefined)
    if (server === undefined) throw new Error(`no set of policies has the Server "${target.server}"`)
    const { draft } = call
    principal = call.principal
    now = draft.now
    const request = hypotheticalRequest(server, {
      body: call.message(server),
      headers: [...draft.headers],
      address: draft.address,
    })
    const steps: Step[] = []
    const peer = { ...request.peer, principal: draft.workload }
    const decision = decide({ ...request, peer }, steps)
    return decision instanceof Promise
      ? decision.then(settled => outcomeOf(settled, steps, headers, nameOf))
      : outcomeOf(decision, steps, headers, nameOf)
  }
}

function outcomeOf(
  { outcome, failure, would, answer }: Decision,
  steps: readonly Step[],
  headers: ReadonlySet<string>,
  nameOf: (policy: string) => string,
): SideOutcome {
  if (outcome === 'deny') {
    const broken = steps.flatMap(({ stage, rule, outcome: said }) =>
      stage === 'guardrails' && said === 'fail' ? [rule] : [],
    )
    const policies = failure?.policy === '' || failure === undefined ? broken : [failure.policy, ...broken]
    const stage = stages.indexOf(failure?.stage ?? '')
    return {
      ...{ decision: 'deny', reason: failure?.reason ?? '', notes: [] },
      policies: sorted(policies.map(nameOf)),
      progress: stage,
    }
  }
  const noted = would.map(one => `would deny: ${one.policy === '' ? one.reason : nameOf(one.policy)}`)
  const warned = steps.flatMap(({ outcome: said, rule }) => (said === 'warn' ? [`warns: ${nameOf(rule)}`] : []))
  const set = answer.kind === 'allow' ? answer.setHeaders.filter(({ name }) => headers.has(name)) : []
  const added = set.map(({ name, value }) => `header ${name}: ${value}`)
  return {
    ...{ decision: 'allow', reason: '', policies: [] },
    notes: sorted([...noted, ...warned, ...added]),
    progress: stages.length,
  }
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

export type SideDifference = 'same' | 'tightened' | 'weakened' | 'changed'

export function compareSides(before: SideOutcome, after: SideOutcome): SideDifference {
  if (before.decision !== after.decision) return after.decision === 'deny' ? 'tightened' : 'weakened'
  const same =
    before.reason === after.reason && alike(before.policies, after.policies) && alike(before.notes, after.notes)
  return same ? 'same' : 'changed'
}

function alike(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

/**
 * How a call came out beside how it comes out in the other set, for people: `deny by guardrail.violated (Guardrail/cap)`. What
 * is noted of an allowed call counts where the other set allows it too, and notes something else.
 */
export function describeSide({ decision, reason, policies, notes }: SideOutcome, other: SideOutcome): string {
  const head = decision === 'allow' ? 'allow' : `deny by ${reason}`
  const own = other.decision === 'allow' ? notes.filter(note => !other.notes.includes(note)) : []
  const about = decision === 'allow' ? own : policies
  return about.length === 0 ? head : `${head} (${about.join(', ')})`
}
