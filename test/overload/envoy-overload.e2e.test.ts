import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, fetch } from 'undici'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { patiently } from '../bench/patiently.js'
import { quantile } from '../bench/statistics.js'
import { toolsCall } from '../e2e/support/messages.js'
import { type Stand, startStand } from '../e2e/support/stand.js'
import { forbidden, type SoakServer, startSoakServer } from '../soak/soak-server.js'
import { costlyPolicies } from './costly-policies.js'

let stand: Stand
let server: SoakServer
let alice: string
const agent = new Agent({ connections: 512 })

beforeAll(async () => {
  server = await startSoakServer()
  stand = await startStand({
    startServer: async () => server,
    // So costly that Envoy and the clients have cores to spare.
    policies: demo => ({ ...demo, ...costlyPolicies(80) }),
  })
  alice = await stand.idp.login('alice')
})
afterAll(async () => {
  await agent.destroy()
  await stand.stop()
})

interface Tally {
  readonly allowed: number
  readonly denied: number
  /** By us: 503 with the reason code. */
  readonly refused: number
  /** Anything else, such as what Envoy says of an authorizer that is late. */
  readonly other: readonly string[]
  readonly p99Ms: number
  readonly perSecond: number
}

const call = (scale: number) =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'team-a', scale })

/** One call in three has to be denied, which the server behind would notice as well. */
async function ask(n: number): Promise<'allowed' | 'denied' | 'refused' | string> {
  const allowed = n % 3 !== 0
  const response = await fetch(stand.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${alice}`,
      ...(!allowed && { [forbidden]: 'too many replicas' }),
    },
    body: call(allowed ? 3 : 10),
    dispatcher: agent,
    signal: AbortSignal.timeout(5000),
  })
  const text = await response.text()
  if (response.status === 503 && text.includes('"dependency.overloaded"'))
    return response.headers.get('retry-after') === '1' ? 'refused' : 'refused without a time'
  if (allowed && text.includes('"text":"done"')) return 'allowed'
  if (!allowed && text.includes('"guardrail.violated"')) return 'denied'
  return `HTTP ${response.status} ${/"reason":"([a-z_.]+)"/.exec(text)?.[1] ?? ''}`
}

class Count {
  readonly #began = performance.now()
  readonly #times: number[] = []
  readonly #told: string[] = []

  async ask(n: number): Promise<void> {
    const from = performance.now()
    this.#told.push(await ask(n).catch((error: unknown) => String(error)))
    this.#times.push(performance.now() - from)
  }

  tally(): Tally {
    const count = (what: string) => this.#told.filter(one => one === what).length
    const [allowed, denied] = [count('allowed'), count('denied')]
    return {
      ...{ allowed, denied, refused: count('refused') },
      other: this.#told.filter(one => !['allowed', 'denied', 'refused'].includes(one)),
      p99Ms: quantile(
        this.#times.sort((a, b) => a - b),
        0.99,
      ),
      perSecond: (allowed + denied) / ((performance.now() - this.#began) / 1000),
    }
  }
}

async function keepBusy(inFlight: number, seconds: number): Promise<Tally> {
  const count = new Count()
  const end = performance.now() + seconds * 1000
  let n = 0
  const worker = async () => {
    while (performance.now() < end) await count.ask(n++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return count.tally()
}

async function sendEvenly(perSecond: number, seconds: number): Promise<Tally> {
  const count = new Count()
  const began = performance.now()
  const asked: Promise<void>[] = []
  while (asked.length < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1000) * perSecond)
    while (asked.length < due) asked.push(count.ask(asked.length))
    await sleep(2)
  }
  await Promise.all(asked)
  return count.tally()
}

it('three times what can be decided, through Envoy: each call is decided or refused, and Envoy never has to answer itself', async () => {
  await keepBusy(8, 1)
  const { perSecond: capacity, other } = await keepBusy(8, 2)
  expect(other).toEqual([])
  const overload = await patiently(
    () => sendEvenly(capacity * 3, 4),
    tally => tally.other.length === 0,
  )
  const { allowed, denied, refused } = overload
  console.log(
    `capacity ${capacity.toFixed(0)}/s; of three times that ${allowed} allowed, ${denied} denied, ${refused} refused, p99 ${overload.p99Ms.toFixed(0)} ms`,
  )
  expect(overload.other).toEqual([])
  expect(refused).toBeGreaterThan((allowed + denied + refused) * 0.3)
  expect(server.violations).toEqual([])

  await sleep(1000)
  const after = await patiently(
    () => sendEvenly(capacity / 2, 1),
    tally => tally.refused === 0 && tally.other.length === 0,
  )
  expect({ refused: after.refused, other: after.other }).toEqual({ refused: 0, other: [] })
})
