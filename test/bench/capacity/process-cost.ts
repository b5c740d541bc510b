import { type CacheState, type CacheUse, cacheState } from './cache-model.js'
import type { Inputs } from './inputs.js'
import { answerRoom, limits, type Mix, tokenRoom } from './traffic.js'
import { zipf } from './zipf.js'

export type Transport = 'grpc-js' | 'native'
export type Authorizer = 'watch' | 'sar' | 'sar, rbacOnly'

/** One process among others: what it is asked, and what that takes. */
export interface ProcessLoad {
  /** Decisions per second. */
  readonly rate: number
  /** Microseconds of a core per decision, all misses included. */
  readonly micros: number
  readonly tokens: CacheState
  /** undefined where RBAC is evaluated in the process. */
  readonly answers: CacheState | undefined
}

/** Tools in a list of the mixes, and the entry of `inputs.lists` that says what it takes. */
export const listTools = 50

export interface ProcessOptions {
  /** Decisions per second. */
  readonly rate: number
  readonly transport: Transport
  readonly authorizer: Authorizer
  /** `identity.cacheBytes`; default as in the program. */
  readonly cacheBytes?: number
}

/** Every process is asked about everybody: gateways spread requests, they do not sort them. */
export function processLoad(
  inputs: Inputs,
  mix: Mix,
  { rate, transport, authorizer, cacheBytes }: ProcessOptions,
): ProcessLoad {
  const tokens = cacheState(tokenUse(mix, rate, cacheBytes))
  const answers = authorizer === 'watch' ? undefined : answersOf(mix, rate, authorizer)
  const micros =
    warmMicros(inputs, mix, transport) +
    ((1 - tokens.hits) * inputs.identity.rs256 +
      (answers === undefined ? 0 : (answers.misses / rate) * inputs.reviews.ours))
  return { rate, micros, tokens, answers }
}

/** What one process does with tokens. */
export function tokenUse(mix: Mix, rate: number, cacheBytes?: number): CacheUse {
  const population = zipf(mix.principals, mix.unequal)
  // A client's token is half used up when a process first sees it.
  return { rate, population, capacity: tokenRoom(cacheBytes), lifetime: mix.tokenSeconds / 2 }
}

/** Without misses. */
export function warmMicros(inputs: Inputs, mix: Mix, transport: Transport): number {
  const { decisions, lists } = inputs
  const { call, denied, list, initialize } = mix.shares
  const filter = lists.find(one => one.tools === listTools)?.micros ?? Number.NaN
  return (
    transportMicros(inputs, transport) +
    call * decisions.call +
    denied * decisions.deniedByGuardrail +
    // The answer comes over ext_proc: another stream, and the list itself.
    list * (decisions.listRequest + transportMicros(inputs, transport) + filter) +
    initialize * decisions.initialize
  )
}

/** What of a call is not the decision. */
export function transportMicros(inputs: Inputs, transport: Transport): number {
  const variant = inputs.variants.find(one => one.name === transport)
  if (variant === undefined) throw new Error(`${transport} was not measured`)
  return variant.busy - inputs.decisions.call
}

/** Only calls ask: one question each. Denials are kept half as long, and are few. */
function answersOf(mix: Mix, rate: number, authorizer: 'sar' | 'sar, rbacOnly'): CacheState {
  return cacheState({
    rate: rate * (mix.shares.call + mix.shares.denied),
    population: questionsOf(mix),
    capacity: answerRoom,
    lifetime: authorizer === 'sar' ? limits.answerSeconds : limits.watchedAnswerSeconds,
  })
}

/** Who asks times what is asked: every pair of a group of principals and a group of questions. */
function questionsOf(mix: Mix): ReturnType<typeof zipf> {
  const questions = zipf(mix.questions, mix.questionsUnequal)
  return zipf(mix.principals, mix.unequal).flatMap(who =>
    questions.map(what => ({ keys: who.keys * what.keys, weight: who.weight * what.weight })),
  )
}
