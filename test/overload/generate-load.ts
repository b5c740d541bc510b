import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckAnswer, Http2Connection } from '../bench/http2-connection.js'
import { quantile } from '../bench/statistics.js'
import { eventually } from '../e2e/support/eventually.js'

/** One of several kinds of requests, and how it must be answered unless it is refused. */
export interface Question {
  readonly message: Buffer
  readonly allowed: boolean
}

export interface Tally {
  readonly sent: number
  /** Answered as it must be. */
  readonly decided: number
  /** Refused by us: `dependency.overloaded`. */
  readonly refused: number
  /** Ended without an answer, by a gRPC error or a reset stream. */
  readonly failed: number
  /** Answers, of whatever kind, after the client's deadline. */
  readonly late: number
  /** Allowed what must be denied, or denied what must be allowed. */
  readonly wrong: number
  readonly wronglyAllowed: number
  /** Why what must be allowed was denied: reason codes. */
  readonly wronglyDenied: readonly string[]
  readonly perSecond: number
  /** The longest that an answer of any kind took. */
  readonly longestMs: number
  readonly decidedMs: { readonly p50: number; readonly p99: number }
  readonly refusedMs: { readonly p50: number; readonly p99: number }
}

const refusal = Buffer.from('dependency.overloaded')

/** Milliseconds that a client waits. */
export const deadlineMs = 1000

class Count {
  readonly #questions: readonly Question[]
  readonly #began = performance.now()
  readonly #decidedMs: number[] = []
  readonly #refusedMs: number[] = []
  sent = 0
  answered = 0
  #failed = 0
  #late = 0
  #wronglyAllowed = 0
  readonly #wronglyDenied: string[] = []

  constructor(questions: readonly Question[]) {
    this.#questions = questions
  }

  send(connection: Http2Connection, at: number): void {
    const tag = this.sent++ % this.#questions.length
    const question = this.#questions[tag]
    if (question !== undefined) connection.send(question.message, at, tag)
  }

  heard({ code, startedAt, tag, message }: CheckAnswer): void {
    const took = performance.now() - startedAt
    this.answered++
    if (took > deadlineMs) this.#late++
    if (code === -1) this.#failed++
    else if (code !== 0 && message.includes(refusal)) this.#refusedMs.push(took)
    else {
      const allowed = this.#questions[tag]?.allowed
      if (code === 0 && !allowed) this.#wronglyAllowed++
      if (code !== 0 && allowed)
        this.#wronglyDenied.push(/"reason":"([a-z_.]+)"/.exec(message.toString('latin1'))?.[1] ?? 'unknown')
      this.#decidedMs.push(took)
    }
  }

  tally(): Tally {
    const [decided, refused] = [this.#decidedMs.sort((a, b) => a - b), this.#refusedMs.sort((a, b) => a - b)]
    const seconds = (performance.now() - this.#began) / 1000
    return {
      sent: this.sent,
      decided: decided.length,
      refused: refused.length,
      failed: this.#failed,
      late: this.#late,
      wrong: this.#wronglyAllowed + this.#wronglyDenied.length,
      wronglyAllowed: this.#wronglyAllowed,
      wronglyDenied: this.#wronglyDenied,
      perSecond: decided.length / seconds,
      longestMs: Math.max(decided.at(-1) ?? 0, refused.at(-1) ?? 0),
      decidedMs: { p50: quantile(decided, 0.5), p99: quantile(decided, 0.99) },
      refusedMs: { p50: quantile(refused, 0.5), p99: quantile(refused, 0.99) },
    }
  }
}

/** What a run before this one still waits for was late there: it comes first, and is no answer of this one. */
async function forgetEarlier(connections: readonly Http2Connection[]): Promise<void> {
  for (const connection of connections) connection.onAnswer = () => undefined
  await eventually('the answers of an earlier run', () => connections.every(({ inFlight }) => inFlight === 0))
}

/** Keeps `inFlight` calls under way over all connections: what the server can do at most. */
export async function keepBusy(
  connections: readonly Http2Connection[],
  inFlight: number,
  questions: readonly Question[],
  seconds: number,
): Promise<Tally> {
  await forgetEarlier(connections)
  const count = new Count(questions)
  const end = performance.now() + seconds * 1000
  await new Promise<void>(resolve => {
    for (const connection of connections)
      connection.onAnswer = answer => {
        count.heard(answer)
        if (performance.now() < end) count.send(connection, performance.now())
        else if (connections.every(one => one.inFlight === 0)) resolve()
      }
    for (let i = 0; i < inFlight; i++) {
      const connection = connections[i % connections.length]
      if (connection !== undefined) count.send(connection, performance.now())
    }
    for (const connection of connections) connection.flush()
  })
  return count.tally()
}

/**
 * Sends `perSecond`, evenly, whether or not the server keeps up; a deadline begins when a request is sent. Resolves when
 * everything was answered, or `deadlineMs` after the last one was sent: what is missing then is late.
 * `behindMs` is how late a request was sent at most: what a generator sends late is less than it says.
 * @param most requests under way on each connection; further ones are not sent, as a gateway answers them itself
 */
export async function sendEvenly(
  connections: readonly Http2Connection[],
  perSecond: number,
  questions: readonly Question[],
  seconds: number,
  most = Number.POSITIVE_INFINITY,
): Promise<Tally & { readonly behindMs: number }> {
  await forgetEarlier(connections)
  const count = new Count(questions)
  for (const connection of connections) connection.onAnswer = answer => count.heard(answer)
  const began = performance.now()
  const total = Math.floor(perSecond * seconds)
  let behindMs = 0
  for (let asked = 0; asked < total; ) {
    const sinceMs = performance.now() - began
    const due = Math.min(total, Math.floor((sinceMs / 1000) * perSecond))
    behindMs = Math.max(behindMs, sinceMs - (asked * 1000) / perSecond)
    for (; asked < due; asked++) {
      const connection = connections[asked % connections.length]
      if (connection !== undefined && connection.inFlight < most) count.send(connection, performance.now())
    }
    for (const connection of connections) connection.flush()
    await sleep(1)
  }
  const end = performance.now() + deadlineMs
  while (count.answered < count.sent && performance.now() < end) await sleep(5)
  const tally = count.tally()
  return { ...tally, late: tally.late + (count.sent - count.answered), behindMs }
}
