import { fleetFor } from './fleet.js'
import type { Inputs } from './inputs.js'
import { transportMicros } from './process-cost.js'
import { simulateQueue } from './queue.js'
import { percent, type Section, table } from './table.js'
import { type Estate, mixes } from './traffic.js'

/** A zone is gone, and its traffic comes to the others, by how full a core is on an ordinary day. */
export function zoneLost(inputs: Inputs, estate: Estate): Section {
  const [mix] = mixes
  if (mix === undefined) throw new Error('there is no traffic')
  const micros = transportMicros(inputs, 'native') + inputs.decisions.call
  const rows = [0.4, 0.5, 0.6, 0.65, 0.7].map(utilization => {
    const { processes } = fleetFor(inputs, { ...estate, mix, utilization, transport: 'native', authorizer: 'watch' })
    const after = (utilization * estate.zones) / (estate.zones - 1)
    const p99 = (share: number) =>
      share >= 1
        ? '–'
        : simulateQueue({
            rate: (share * 1e6) / micros,
            services: [{ micros, share: 1 }],
            pauses: [],
            seed: 5,
          }).p99Ms.toFixed(2)
    const refused = Math.max(0, 1 - 1 / after)
    return [percent(utilization), processes, percent(after), p99(utilization), p99(after), percent(refused)]
  })
  const head = ['core, ordinary', 'processes', 'core, after', 'p99 ms, ordinary', 'p99 ms, after', 'refused at least']
  return { name: 'zone', markdown: table(head, rows) }
}
