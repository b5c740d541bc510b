import { type Fleet, fleetFor } from './fleet.js'
import type { Inputs } from './inputs.js'
import { type Authorizer, listTools, type Transport, transportMicros } from './process-cost.js'
import { simulateQueue } from './queue.js'
import { setCost } from './set-cost.js'
import { amount, type Bound, firstToBreak, mebibytes, percent, printBreak, type Section, table } from './table.js'
import { type Estate, limits, type Mix, mixes, tokenRoom } from './traffic.js'

interface Way {
  readonly mix: Mix
  readonly transport: Transport
  readonly authorizer: Authorizer
}

/** A scavenge, and how many calls there are between two; a collection of everything is rarer than one request in a hundred. */
const minorPauseMs = 1

/** An ordinary day. */
export function steady(inputs: Inputs, estate: Estate): Section {
  const ways: readonly Way[] = mixes.flatMap((mix): Way[] => [
    { mix, transport: 'native', authorizer: 'watch' },
    { mix, transport: 'grpc-js', authorizer: 'watch' },
    { mix, transport: 'native', authorizer: 'sar, rbacOnly' },
  ])
  const fleets = ways.map(way => ({ way, fleet: fleetFor(inputs, { ...estate, ...way }) }))
  const rows = fleets.map(({ way, fleet }) => row(inputs, way, fleet, estate))
  const breaks = fleets
    .filter(({ way }) => way.transport === 'native' && way.authorizer === 'watch')
    .map(({ way, fleet }) => `- ${way.mix.name}: ${printBreak(firstToBreak(boundsOf(inputs, way, fleet, estate)))}`)
  const head = [
    'traffic',
    'transport',
    'RBAC',
    'µs per decision',
    'processes',
    'tokens known',
    'signatures/s',
    'MiB each',
  ]
  const text = [
    table([...head, 'p50 ms', 'p99 ms', 'p99 ms, a zone less'], rows),
    '',
    'First to break, with the native transport and watched RBAC:',
    ...breaks,
  ]
  return { name: 'steady', markdown: text.join('\n') }
}

function row(inputs: Inputs, { mix, transport, authorizer }: Way, fleet: Fleet, estate: Estate): (string | number)[] {
  const { load, processes } = fleet
  const [ordinary, without] = [1, estate.zones / (estate.zones - 1)].map(times =>
    waiting(inputs, fleet, { mix, transport, authorizer }, times),
  )
  return [
    mix.name,
    transport,
    authorizer,
    amount(load.micros),
    amount(processes),
    percent(load.tokens.hits),
    amount(load.tokens.misses * processes),
    mebibytes(memoryOf(inputs, fleet, transport, estate)),
    ordinary?.p50Ms.toFixed(2) ?? '–',
    ordinary?.p99Ms.toFixed(2) ?? '–',
    without?.p99Ms.toFixed(2) ?? '–',
  ]
}

/** In the process; what is asked of an API server comes on top. */
function waiting(
  inputs: Inputs,
  { load }: Fleet,
  { mix, transport }: Way,
  times: number,
): ReturnType<typeof simulateQueue> {
  const { call, denied, list, initialize } = mix.shares
  const { decisions, lists, identity, variants } = inputs
  const line = transportMicros(inputs, transport)
  const filter = lists.find(one => one.tools === listTools)?.micros ?? 0
  const miss = 1 - load.tokens.hits
  const rate = load.rate * times
  const minor = variants.find(one => one.name === transport)?.minorPer1000 ?? 0
  return simulateQueue({
    rate,
    services: [
      { micros: line + decisions.call + identity.rs256, share: call * miss },
      { micros: line + decisions.call, share: call * (1 - miss) },
      { micros: line + decisions.deniedByGuardrail, share: denied },
      { micros: 2 * line + decisions.listRequest + filter, share: list },
      { micros: line + decisions.initialize, share: initialize },
    ],
    pauses: [{ ms: minorPauseMs, perSecond: Math.max(0.001, (rate * minor) / 1000) }],
    seed: 1,
  })
}

/** What `identity.cacheBytes` moves: memory for signatures. */
export function tokenCache(inputs: Inputs, estate: Estate): Section {
  const sizes = [64, 256, 1024, 4096].map(size => size * 2 ** 20)
  const rows = mixes.flatMap(mix =>
    sizes.map(cacheBytes => {
      const fleet = fleetFor(inputs, { ...estate, mix, transport: 'native', authorizer: 'watch', cacheBytes })
      const { load, processes } = fleet
      return [
        mix.name,
        (cacheBytes / 2 ** 20).toFixed(0),
        amount(tokenRoom(cacheBytes)),
        percent(load.tokens.hits),
        amount(load.micros),
        amount(processes),
        mebibytes(memoryOf(inputs, fleet, 'native', estate)),
      ]
    }),
  )
  const head = ['traffic', '`identity.cacheBytes`, MiB', 'tokens', 'known', 'µs per decision', 'processes', 'MiB each']
  return { name: 'token-cache', markdown: table(head, rows) }
}

/** The process itself, its policies, and what it remembers. */
export function memoryOf(inputs: Inputs, { load }: Fleet, transport: Transport, estate: Estate): number {
  const rss = (inputs.variants.find(one => one.name === transport)?.rssMb ?? 0) * 2 ** 20
  const set = setCost(inputs, setOf(estate)).heapBytes - setCost(inputs, nothing).heapBytes
  return (
    rss + set + load.tokens.entries * inputs.tokens.bytesEach + (load.answers?.entries ?? 0) * inputs.answers.bytesEach
  )
}

const nothing = { servers: 0, toolsPerServer: 0, guardrails: 0, grants: 0, bindings: 0 }

export function setOf({ servers, tools, guardrails, grants, bindings }: Estate): Parameters<typeof setCost>[1] {
  return { servers, toolsPerServer: tools / servers, guardrails, grants, bindings }
}

function boundsOf(inputs: Inputs, { mix, transport }: Way, fleet: Fleet, estate: Estate): readonly Bound[] {
  return [
    {
      what: 'tokens in use, of those that a process remembers',
      used: mix.principals,
      limit: tokenRoom(),
      setting: '`identity.cacheBytes`, or processes of their own for parts of the Servers',
    },
    {
      what: 'memory of a pod',
      used: memoryOf(inputs, fleet, transport, estate),
      limit: limits.podBytes,
      setting: '`resources.limits.memory` and `--max-old-space-size`; fewer Servers per process',
    },
    {
      what: 'time without decisions at a change of policies',
      // As steps are of one length, that of the largest set is about that of any.
      used: Math.max(...inputs.loads.map(one => one.pauseMs)),
      limit: limits.maxTurnMs,
      setting: 'fewer Servers and rules per process',
    },
  ]
}
