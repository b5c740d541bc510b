import type { Expr } from '../syntax/ast.js'
import type { Demand } from './constraints.js'

const from = (limit: bigint): Demand => ({ kind: 'at least', limit, open: false })
const to = (limit: bigint): Demand => ({ kind: 'at most', limit, open: false })

/** What functions give (cel-spec langdef, "List of Standard Definitions"): months, days and the first of a list count from 0. */
const ranges: ReadonlyMap<string, readonly Demand[]> = new Map([
  ['size', [from(0n)]],
  ['indexOf', [from(-1n)]],
  ['lastIndexOf', [from(-1n)]],
  ['getMonth', [from(0n), to(11n)]],
  ['getDate', [from(1n), to(31n)]],
  ['getDayOfMonth', [from(0n), to(30n)]],
  ['getDayOfWeek', [from(0n), to(6n)]],
  ['getDayOfYear', [from(0n), to(365n)]],
])

/** What of a duration is the whole of it in another unit, and so has no such range. */
const ofTimes: ReadonlyMap<string, readonly Demand[]> = new Map([
  ['getHours', [from(0n), to(23n)]],
  ['getMinutes', [from(0n), to(59n)]],
  ['getSeconds', [from(0n), to(59n)]],
  ['getMilliseconds', [from(0n), to(999n)]],
])

/** What every value of an expression meets. A time of day with a zone is that of a timestamp. */
export function demandsOnAll(value: Expr): readonly Demand[] {
  if (value.kind !== 'call') return []
  const withZone = value.target !== undefined && value.args.length === 1
  return ranges.get(value.name) ?? (withZone ? ofTimes.get(value.name) : undefined) ?? []
}
