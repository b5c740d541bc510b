import { createDecide, type Decided } from '../decision/create-decide.js'
import type { Decision } from '../decision/decision.js'
import { andThen, type Eventually } from '../decision/eventually.js'
import type { Trial } from '../decision/trial.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Principal } from '../identity/principal.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { Call } from '../protocol/call.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { ShadowDrop } from '../telemetry/shadow-metrics.js'
import { type Comparison, compareDecisions } from './compare-decisions.js'
import { compareLists, type ListDifference } from './compare-lists.js'
import type { ShadowPair } from './shadow-set.js'

/** One decision and what the shadow would have made of the same request. */
export interface Compared extends Comparison, DecisionPair {
  /** Name of the Server. */
  readonly server: string
  /** What the answer to a list would not show, or show besides. */
  readonly list: ListDifference | undefined
}

export interface JudgedDecision {
  readonly decision: Decision
  readonly trial: RememberedTrial
}

/** As much of a trial as is needed to compare it and to tell of it. */
export type RememberedTrial = Readonly<
  Pick<Trial, 'request' | 'snapshot' | 'startedAt' | 'server' | 'principal' | 'call' | 'tool' | 'policies'>
>

interface DecisionPair {
  readonly decided: JudgedDecision
  readonly shadow: JudgedDecision
}

export interface ShadowJudgeOptions {
  /** The policies in force and those of the shadow; undefined while there are none. */
  pair(): ShadowPair | undefined
  /** Share of the decisions that are compared, from 0 to 1. */
  readonly sample: number
  /** Whether the service has no time for this. Default: it has. */
  busy?(): boolean
  /** Must not throw. */
  onCompared(compared: Compared): void
  /** Must not throw. */
  onDropped(why: ShadowDrop): void
  /** A part of ours threw. Must not throw. */
  onBug(error: unknown): void
}

/** Requests that may wait to be judged again, and bytes of their bodies. */
export const shadowLimits = { requests: 1000, bytes: 32 * 1024 * 1024 } as const

/** Milliseconds of one turn of the event loop that are for the shadow. */
const sliceMs = 5
/** Evaluations that wait for an API server at once: the rest of its slots are for decisions that count. */
const mostWaiting = 4
/** What a request takes in memory beside its body, about. */
const requestBytes = 8 * 1024
/** What is remembered of one decision, beside the text of its answer. */
const decisionBytes = 2 * 1024

interface Waiting {
  readonly request: InboundRequest
  readonly principal: Principal
  readonly inForce: PolicySnapshot
  /** Of a batch, one for each message, in its order. */
  readonly members: JudgedDecision[]
  bytes: number
}

/**
 * Judges requests a second time, after they were decided and answered, with the policies of the shadow: the same pipeline,
 * at the time of the decision, for the principal that was found out then. Nothing waits for it, and what it finds goes to
 * `onCompared` only. What cannot be done soon is left undone and counted.
 */
export class ShadowJudge {
  readonly #options: ShadowJudgeOptions
  readonly #queue: Waiting[] = []
  /** The last request that was put there; the messages of a batch come one after the other. */
  #last: Waiting | undefined
  #bytes = 0
  #waiting = 0
  #turn: NodeJS.Immediate | undefined
  #stopped = false

  constructor(options: ShadowJudgeOptions) {
    this.#options = options
  }

  /** To be told of each decision. */
  decided({ decision, trial }: Decided): void {
    if (trial === undefined || this.#stopped) return
    const { principal, request, snapshot } = trial
    if (principal === undefined || isUnidentified(decision)) return
    if (!isSampled(trial.batch?.id ?? decision.id, this.#options.sample)) return
    const { answer } = decision
    const more = decisionBytes + (answer.kind === 'respond' ? answer.body.length : 0)
    if (trial.batch !== undefined && this.#last?.request === request) {
      this.#last.members.push({ decision, trial: remembered(trial) })
      this.#last.bytes += more
      this.#bytes += more
      return
    }
    const bytes = requestBytes + more + (request.body.state === 'complete' ? request.body.bytes.length : 0)
    const full = this.#queue.length >= shadowLimits.requests || this.#bytes + bytes > shadowLimits.bytes
    if (full || this.#options.busy?.() === true) {
      this.#options.onDropped(full ? 'queue' : 'overload')
      return
    }
    const members = [{ decision, trial: remembered(trial) }]
    this.#last = { request, principal, inForce: snapshot, members, bytes }
    this.#queue.push(this.#last)
    this.#bytes += bytes
    this.#schedule()
  }

  /** Requests that are not judged yet, or not to the end. */
  get pending(): number {
    return this.#queue.length + this.#waiting
  }

  /** What waits is forgotten. */
  stop(): void {
    this.#stopped = true
    this.#queue.length = 0
    this.#last = undefined
    clearImmediate(this.#turn)
  }

  #schedule(): void {
    if (this.#stopped || this.#turn !== undefined || this.#waiting >= mostWaiting || this.#queue.length === 0) return
    this.#turn = setImmediate(() => {
      this.#turn = undefined
      this.#work()
      this.#schedule()
    })
  }

  #work(): void {
    const end = performance.now() + sliceMs
    // No message of a batch comes any more: they come in one turn.
    this.#last = undefined
    if (this.#options.busy?.() === true) {
      this.#drop('overload')
      return
    }
    let done = 0
    while (this.#waiting < mostWaiting && performance.now() < end) {
      const next = this.#queue[done]
      if (next === undefined) break
      done++
      this.#judge(next)
    }
    this.#queue.splice(0, done)
  }

  /** All that waits: what it takes is wanted for decisions. */
  #drop(why: ShadowDrop): void {
    for (const waiting of this.#queue.splice(0)) {
      this.#release(waiting)
      this.#options.onDropped(why)
    }
  }

  #judge(waiting: Waiting): void {
    const pair = this.#options.pair()
    if (pair?.inForce !== waiting.inForce) {
      this.#release(waiting)
      this.#options.onDropped('reload')
      return
    }
    try {
      const judged = this.#compare(waiting, pair)
      if (!(judged instanceof Promise)) {
        this.#release(waiting)
        return
      }
      this.#waiting++
      judged
        .catch((error: unknown) => this.#options.onBug(error))
        .then(() => {
          this.#waiting--
          this.#release(waiting)
          this.#schedule()
        })
    } catch (error) {
      this.#release(waiting)
      this.#options.onBug(error)
    }
  }

  #compare({ request, principal, members }: Waiting, pair: ShadowPair): Eventually<void> {
    const [first] = members
    if (first === undefined) return
    const found: JudgedDecision[] = []
    let bug = false
    const decide = createDecide({
      snapshot: () => ({ ...pair.shadow, authenticator: knows(principal, pair.shadow.authenticator) }),
      upstream: 'withheld',
      now: () => first.trial.startedAt,
      onDecided: ({ decision, trial }) => {
        if (trial !== undefined) found.push({ decision, trial })
      },
      onBug: error => {
        bug = true
        this.#options.onBug(error)
      },
    })
    // A request of its own: that its door gave it up, or when, says nothing of this one.
    return andThen(decide({ ...request, deadline: undefined }), () => {
      if (bug || this.#stopped) return
      // A batch may be refused as a whole by one of the two.
      const pairs = members.map((decided, at) => ({
        decided,
        shadow: (found.length === members.length ? found[at] : found[0]) ?? decided,
      }))
      const [one, ...others] = pairs
      if (one === undefined || others.length > 0) {
        for (const each of pairs) this.#tell(each, undefined)
        return
      }
      const bothAllow = one.decided.decision.outcome === 'allow' && one.shadow.decision.outcome === 'allow'
      const list = bothAllow ? compareLists(one.decided.trial, one.shadow.trial) : undefined
      return andThen(list, difference => this.#tell(one, difference))
    })
  }

  #tell({ decided, shadow }: DecisionPair, list: ListDifference | undefined): void {
    if (this.#stopped) return
    const compared = compareDecisions(decided.decision, shadow.decision, decided.trial.request.headers)
    const result = compared.result === 'same' && list !== undefined ? 'changed' : compared.result
    const server = decided.trial.server?.name ?? ''
    this.#options.onCompared({ ...compared, result, server, decided, shadow, list })
  }

  #release({ bytes }: Waiting): void {
    this.#bytes -= bytes
  }
}

/**
 * Without arguments, which take up to a hundred times the memory of their text, and without what keeps that text alive: it
 * would be there once more beside the bytes of the request, which are counted.
 */
function remembered({ request, snapshot, startedAt, server, principal, call, tool, policies }: Trial): RememberedTrial {
  const own = call === undefined ? undefined : withoutArguments(call)
  return {
    ...{ request, snapshot, startedAt, server, principal, policies },
    ...{ call: own, tool: tool === undefined ? undefined : copyOf(tool) },
  }
}

function withoutArguments(call: Call): Call {
  const { target } = call
  return {
    ...{ protocol: call.protocol, kind: call.kind, era: call.era, method: copyOf(call.method) },
    target: target.kind === 'none' ? target : { kind: target.kind, name: copyOf(target.name) },
    ...{ version: undefined, id: undefined, alsoTargets: [], params: undefined, arguments: undefined },
    sessionId: undefined,
  }
}

/** Engines keep the whole text alive that a string was cut from. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}

/** Somebody was found out, and does not count as who they are. In Audit that is only noted. */
function isUnidentified({ failure, would }: Decision): boolean {
  return failure?.stage === 'identity' || would.some(({ stage }) => stage === 'identity')
}

/** By the id, which is random: the same for all that happens to a decision. */
function isSampled(id: string, share: number): boolean {
  return share >= 1 || Number.parseInt(id.slice(0, 8), 16) < share * 0x1_0000_0000
}

/** Says who it was, once and for all; nothing of a token is looked at. */
function knows(principal: Principal, { issuers, onBehalfOfHeaders, dpopAlgorithms }: Authenticator): Authenticator {
  return {
    issuers,
    ...(onBehalfOfHeaders !== undefined && { onBehalfOfHeaders }),
    ...(dpopAlgorithms !== undefined && { dpopAlgorithms }),
    ready: true,
    pending: [],
    start: () => Promise.resolve(),
    stop: () => undefined,
    authenticate: () => ({ ok: true, principal }),
  }
}
