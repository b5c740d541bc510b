import type { Run } from '../cost-ratio.js'
import { Reference } from './reference.js'

export interface CostsOptions {
  readonly rounds: number
  /** Of processor time, of each in each round. */
  readonly roundMs: number
  /** Of processor time, of each before anything is measured: until the compiler has done its work. */
  readonly warmUpMs: number
}

/**
 * Microseconds of processor time per run of each, as on an idle core. All are measured in turns in one process, in many short
 * rounds of which the fastest counts, and so is what they are compared with (reference.ts): what others do on the machine
 * only ever makes things slower.
 */
export async function costsOf<Name extends string>(
  runs: Readonly<Record<Name, Run>>,
  { rounds, roundMs, warmUpMs }: CostsOptions,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(runs).filter((name): name is Name => name in runs)
  for (const name of names) await microsOf(runs[name], warmUpMs)
  const fastest = new Map<Name, number>()
  const reference = new Reference()
  for (let round = 0; round < rounds; round++)
    for (const name of names) {
      reference.measure()
      const micros = await microsOf(runs[name], roundMs)
      fastest.set(name, Math.min(micros, fastest.get(name) ?? micros))
    }
  const costs: Partial<Record<Name, number>> = {}
  for (const [name, micros] of fastest) costs[name] = round3(micros / reference.slowness)
  return complete(costs, names)
}

/** Of one run. Looks at the time only now and then, since looking takes some. */
async function microsOf(run: Run, ms: number): Promise<number> {
  const before = process.cpuUsage()
  let count = 0
  for (let batch = 1; ; batch = Math.min(256, batch * 2)) {
    for (let i = 0; i < batch; i++) {
      const done = run()
      if (done instanceof Promise) await done
    }
    count += batch
    const { user, system } = process.cpuUsage(before)
    if (user + system >= ms * 1000) return (user + system) / count
  }
}

function complete<Name extends string>(
  costs: Partial<Record<Name, number>>,
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  if (names.some(name => costs[name] === undefined)) throw new Error('something was not measured')
  return costs as Record<Name, number>
}

/** Three digits that count: more would say something about this minute only. */
export function round3(value: number): number {
  return Number(value.toPrecision(3))
}
