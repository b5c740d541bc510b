import { fleetFor } from './fleet.js'
import type { Inputs } from './inputs.js'
import { setOf } from './scenario-steady.js'
import { setCost, shardOf } from './set-cost.js'
import { amount, percent, type Section, table } from './table.js'
import { type Estate, mixes } from './traffic.js'

/** Bytes of a ConfigMap with policies, and of one process's state in the status ConfigMap. */
const configMapBytes = 4096
const statusBytes = 2048
/** The whole of it is kept below this (src/policy/config-map-status.ts). */
const mostStatusBytes = 480 * 1024
/** After a load comes a rest of this many times what it took (src/policy/load-schedule.ts). */
const restFactor = 4
const longestRestMs = 5000

/** One ConfigMap with policies changes, and every process follows. By how many parts the Servers are dealt out to. */
export function fanOut(inputs: Inputs, estate: Estate): Section {
  const [mix] = mixes
  if (mix === undefined) throw new Error('there is no traffic')
  const { processes } = fleetFor(inputs, { ...estate, mix, transport: 'native', authorizer: 'watch' })
  const rows = [1, 2, 5, 10, 20].map(shards => {
    const { reloadMs } = setCost(inputs, shardOf(setOf(estate), shards))
    const each = processes / shards
    return [
      shards,
      amount(each),
      amount((each * configMapBytes) / 1024),
      amount((each * Math.min(mostStatusBytes, each * statusBytes)) / 2 ** 20),
      amount(reloadMs),
      amount((each * reloadMs) / 1000),
      percent(Math.min(1, reloadMs / 60_000)),
      percent(reloadMs / (reloadMs + Math.min(longestRestMs, restFactor * reloadMs))),
    ]
  })
  const head = ['parts', 'events', 'KiB from the API server', 'MiB of status written', 'ms of a core, each']
  const more = ['core seconds, all', 'of a core at a change a minute', 'at changes without end, at most']
  return { name: 'fan-out', markdown: table([...head, ...more], rows) }
}
