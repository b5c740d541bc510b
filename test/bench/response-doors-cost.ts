import { type CostRatio, type CostRatioOptions, measureRatio } from './cost-ratio.js'
import { parseAndWrite } from './response-cost.js'
import type { ResponseDoors } from './response-doors.js'

type Measured = 'answer' | 'boundAnswer' | 'toldAnswer' | 'filter' | 'list'

export interface DoorCost {
  readonly name: Measured
  /** For people. */
  readonly text: string
  /** `check`: the same call by ext_authz alone. `json`: JSON.parse and JSON.stringify of the same list. */
  readonly beside: 'check' | 'json'
  /** The budget: the ratio that must hold on any machine, well above what it is on an idle one. */
  readonly most: number
}

/** What is measured of the way back, without sockets. */
export const doorCosts: readonly DoorCost[] = [
  { name: 'answer', text: 'a call and its answer', beside: 'check', most: 3.5 },
  { name: 'boundAnswer', text: '· in a session that is bound to its caller', beside: 'check', most: 3.5 },
  { name: 'toldAnswer', text: '· with a text added to the result', beside: 'check', most: 5.5 },
  { name: 'filter', text: 'a list of 200 tools, filtered by RBAC and 30 Guardrails', beside: 'json', most: 3 },
  { name: 'list', text: '· and what the door does about it', beside: 'json', most: 4 },
]

export function measureDoor(
  doors: ResponseDoors,
  { name, beside }: DoorCost,
  options: CostRatioOptions,
): Promise<CostRatio> {
  return measureRatio(doors[name], beside === 'check' ? doors.check : parseAndWrite(doors.listBytes), options)
}

export type MeasuredDoor = readonly [DoorCost, CostRatio]

export async function measureDoors(doors: ResponseDoors, options: CostRatioOptions): Promise<readonly MeasuredDoor[]> {
  await warmUpDoors(doors)
  const measured: MeasuredDoor[] = []
  for (const cost of doorCosts) measured.push([cost, await measureDoor(doors, cost, options)])
  return measured
}

/** Until the compiler of the machine has done its work: counted, because on a busy one time says nothing. */
export async function warmUpDoors(doors: ResponseDoors): Promise<void> {
  for (const { name, beside } of doorCosts)
    for (let run = beside === 'check' ? 2000 : 250; run > 0; run--) await doors[name]()
}

/** The report for people. */
export function printDoorCosts(costs: readonly MeasuredDoor[]): string {
  const rows = costs.map(([{ text, beside }, { ours, theirs, ratio }]) => {
    const reference = beside === 'check' ? 'ext_authz alone' : 'JSON.parse + stringify'
    const numbers = [ours.toFixed(0), theirs.toFixed(0), ratio.toFixed(2)].map(number => number.padStart(8))
    return `${text.padEnd(58)}${numbers.join('')}  ${reference}`
  })
  return [
    'The way back, in one process and without sockets: processor time in µs, that of a reference, and the ratio; medians of the rounds',
    ...rows,
  ].join('\n')
}
