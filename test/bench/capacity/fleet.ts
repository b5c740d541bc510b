import type { Inputs } from './inputs.js'
import { type ProcessLoad, type ProcessOptions, processLoad } from './process-cost.js'
import type { Mix } from './traffic.js'

/** As many processes of one core each as a traffic needs. */
export interface Fleet {
  readonly processes: number
  /** Of the ordinary day; with a zone less it is more. */
  readonly utilization: number
  readonly load: ProcessLoad
}

export interface FleetOptions extends Omit<ProcessOptions, 'rate'> {
  readonly mix: Mix
  readonly decisionsPerSecond: number
  readonly utilization: number
  readonly zones: number
}

/**
 * The more processes there are, the less often each sees the same caller, and the more it costs: what is looked for is the
 * number that is just enough, the same in each zone.
 */
export function fleetFor(inputs: Inputs, options: FleetOptions): Fleet {
  const { decisionsPerSecond, zones, utilization } = options
  const loadOf = (processes: number) =>
    processLoad(inputs, options.mix, { ...options, rate: decisionsPerSecond / processes })
  const used = (processes: number) => (loadOf(processes).micros * decisionsPerSecond) / processes / 1e6
  let [low, high] = [0, 1]
  while (used(high * zones) > utilization) high *= 2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (used(middle * zones) > utilization) low = middle
    else high = middle
  }
  const processes = high * zones
  return { processes, utilization: used(processes), load: loadOf(processes) }
}
