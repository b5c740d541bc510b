import type { Inputs } from './inputs.js'
import { transportMicros } from './process-cost.js'
import { type Balancing, simulateReplicas } from './replicas.js'
import { percent, type Section, table } from './table.js'
import type { Estate } from './traffic.js'

const replicas = 20
const gateways = 16
/** Envoy's default is 200; our configurations say 2000. */
const timeoutMs = 2000

/** One of twenty replicas is slow: a bad node, a neighbour, a debugger. */
export function slowReplica(inputs: Inputs, { utilization }: Estate): Section {
  const micros = transportMicros(inputs, 'native') + inputs.decisions.call
  const rows = [1, 2, 4, 10].flatMap(slowdown =>
    (['round robin', 'least request'] as const).map((balancing: Balancing) => {
      const options = { replicas, gateways, balancing, utilization, micros, slowdown, timeoutMs, seed: 3 }
      const { p50Ms, p99Ms, p999Ms, toSlow, refused, timedOut } = simulateReplicas(options)
      const ms = [p50Ms, p99Ms, p999Ms].map(one => one.toFixed(2))
      return [`${slowdown} ×`, balancing, ...ms, percent(toSlow), percent(refused), percent(timedOut)]
    }),
  )
  const head = [
    'slow by',
    'gateway',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'requests to the slow one',
    'refused',
    'given up by the gateway',
  ]
  return { name: 'slow-replica', markdown: table(head, rows) }
}
