import type { Builtin } from './builtin.js'
import { nanosOf } from './operators.js'
import { wallClock } from './time-zones.js'
import { Failure, Foreign } from './values.js'

const noZone = new Failure('not a time zone')

export function floorSeconds(nanos: bigint): bigint {
  const seconds = nanos / 1_000_000_000n
  return nanos < 0n && seconds * 1_000_000_000n !== nanos ? seconds - 1n : seconds
}

function ofTime(parts: (wall: Date) => number, ofDuration?: (nanos: bigint) => bigint): Builtin {
  return ([value, zone], budget) => {
    if (value === undefined) return undefined
    if (value instanceof Foreign && value.type === 'duration' && typeof value.raw === 'bigint') {
      return zone === undefined ? ofDuration?.(value.raw) : undefined
    }
    const nanos = nanosOf(value)
    if (nanos === undefined || typeof zone !== 'string') return undefined
    const time =
      value instanceof Date
        ? value
        : new Date(
            Number(
              floorSeconds(nanos) * 1000n + (((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n) / 1_000_000n,
            ),
          )
    const wall = wallClock(time, zone, budget)
    return wall === undefined ? noZone : BigInt(parts(wall))
  }
}

function dayOfYear(wall: Date): number {
  const start = new Date(wall.getTime())
  start.setUTCMonth(0, 1)
  return Math.round((wall.getTime() - start.getTime()) / 86_400_000)
}

/** What a clock on the wall of a zone shows at a timestamp, and the parts of a duration (cel-spec langdef.md). */
export const timeFunctions: readonly (readonly [string, Builtin])[] = [
  ['getFullYear', ofTime(wall => wall.getUTCFullYear())],
  ['getMonth', ofTime(wall => wall.getUTCMonth())],
  ['getDate', ofTime(wall => wall.getUTCDate())],
  ['getDayOfMonth', ofTime(wall => wall.getUTCDate() - 1)],
  ['getDayOfWeek', ofTime(wall => wall.getUTCDay())],
  ['getDayOfYear', ofTime(dayOfYear)],
  [
    'getHours',
    ofTime(
      wall => wall.getUTCHours(),
      nanos => nanos / 3_600_000_000_000n,
    ),
  ],
  [
    'getMinutes',
    ofTime(
      wall => wall.getUTCMinutes(),
      nanos => nanos / 60_000_000_000n,
    ),
  ],
  [
    'getSeconds',
    ofTime(
      wall => wall.getUTCSeconds(),
      nanos => nanos / 1_000_000_000n,
    ),
  ],
  [
    'getMilliseconds',
    ofTime(
      wall => wall.getUTCMilliseconds(),
      nanos => (nanos / 1_000_000n) % 1000n,
    ),
  ],
]
