import { type Fleet, fleetFor } from './fleet.js'
import type { Inputs } from './inputs.js'
import { setOf } from './scenario-steady.js'
import { setCost } from './set-cost.js'
import { amount, percent, type Section, table } from './table.js'
import { type Estate, limits, type Mix, mixes } from './traffic.js'
import { simulateWarmUp, type WarmUp } from './warm-up.js'

const head = ['traffic', 'seconds until warm', 'core, ordinary', 'core, worst', 'signatures/s more, each', 'refused']

/** The issuer changes its keys, and everybody gets a new token. */
export function rotation(inputs: Inputs, estate: Estate): Section {
  const rows = mixes.flatMap(mix => {
    const fleet = fleetOf(inputs, mix, estate)
    return [0, 60, mix.tokenSeconds].map(spreadSeconds => {
      const warmUp = forget(inputs, mix, fleet, spreadSeconds)
      const spread = spreadSeconds === 0 ? 'at once' : `over ${spreadSeconds} s`
      return [...cells(mix, fleet, warmUp).slice(0, 1), spread, ...cells(mix, fleet, warmUp).slice(1)]
    })
  })
  return { name: 'rotation', markdown: table([head[0] ?? '', 'new tokens come', ...head.slice(1)], rows) }
}

/** Every process starts at the same moment. */
export function restart(inputs: Inputs, estate: Estate): Section {
  const rows = mixes.map(mix => {
    const fleet = fleetOf(inputs, mix, estate)
    return cells(mix, fleet, forget(inputs, mix, fleet, 0))
  })
  const { loadSeconds } = setCost(inputs, setOf(estate))
  const fleet = fleetOf(inputs, mixes[0] ?? fail(), estate)
  const listed = fleet.processes * estate.bindings * storedBytes
  const text = [
    table(head, rows),
    '',
    `- Before the first decision each process compiles ${amount(loadSeconds)} s of a core; the startup probe waits ${limits.startupSeconds} s.`,
    `- With \`authorizer: watch\` each process lists RBAC: of ${amount(fleet.processes)} processes, ${amount(listed / 2 ** 20)} MiB from API servers.`,
  ]
  return { name: 'restart', markdown: text.join('\n') }
}

/** Of a RoleBinding, as JSON. */
const storedBytes = 700

function fail(): never {
  throw new Error('there is no traffic')
}

function fleetOf(inputs: Inputs, mix: Mix, estate: Estate): Fleet {
  return fleetFor(inputs, { ...estate, mix, transport: 'native', authorizer: 'watch' })
}

function forget(inputs: Inputs, mix: Mix, { load }: Fleet, spreadSeconds: number): WarmUp {
  return simulateWarmUp({
    mix,
    rate: load.rate,
    micros: load.micros,
    verifyMicros: inputs.identity.rs256,
    spreadSeconds,
  })
}

function cells(mix: Mix, { utilization }: Fleet, warmUp: WarmUp): readonly string[] {
  const { seconds, peakUtilization, peakVerifications, refused } = warmUp
  return [
    mix.name,
    seconds < 0.1 ? '<0.1' : amount(seconds),
    percent(utilization),
    percent(peakUtilization),
    amount(peakVerifications),
    percent(refused),
  ]
}
