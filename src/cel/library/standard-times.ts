import { zoneOffset } from '../values/time-zone.js'
import { splitSeconds } from '../values/timestamp.js'
import { Failure, type Result, type Timestamp } from '../values/value.js'
import { binary, isDuration, isText, isTimestamp, unary } from './implement.js'
import type { CallContext, FunctionOverload } from './library.js'

const timestamp = 'google.protobuf.Timestamp'
const duration = 'google.protobuf.Duration'
const noZone = new Failure('not a time zone: use UTC, an offset like +01:00, or a name like Europe/Berlin')

/** A part of a date on the clock of a zone; `wall` shows that clock through its UTC getters. */
type Part = (wall: Date) => number

const dayOfYear: Part = wall => {
  const start = new Date(wall.getTime())
  start.setUTCMonth(0, 1)
  return Math.round((wall.getTime() - start.getTime()) / 86_400_000)
}

/** Name, the end of its overload ids, the part of a timestamp. Months and days count from 0, getDate from 1. */
const parts: readonly (readonly [name: string, id: string, part: Part])[] = [
  ['getFullYear', 'year', wall => wall.getUTCFullYear()],
  ['getMonth', 'month', wall => wall.getUTCMonth()],
  ['getDayOfYear', 'day_of_year', dayOfYear],
  ['getDayOfMonth', 'day_of_month', wall => wall.getUTCDate() - 1],
  ['getDate', 'day_of_month_1_based', wall => wall.getUTCDate()],
  ['getDayOfWeek', 'day_of_week', wall => wall.getUTCDay()],
  ['getHours', 'hours', wall => wall.getUTCHours()],
  ['getMinutes', 'minutes', wall => wall.getUTCMinutes()],
  ['getSeconds', 'seconds', wall => wall.getUTCSeconds()],
  ['getMilliseconds', 'milliseconds', wall => wall.getUTCMilliseconds()],
]

function wallClock(time: Timestamp, offset: number): Date {
  const { seconds, nanos } = splitSeconds(time.nanos)
  return new Date((seconds + offset) * 1000 + Math.floor(nanos / 1_000_000))
}

function inZone(part: Part) {
  return (time: Timestamp, zone: string, context: CallContext): Result => {
    const offset = zoneOffset(zone, splitSeconds(time.nanos).seconds, context)
    return offset === undefined ? noZone : BigInt(part(wallClock(time, offset)))
  }
}

/** cel-go's id for seconds in a zone lacks a word. */
function zonedId(id: string): string {
  return id === 'seconds' ? 'timestamp_to_seconds_tz' : `timestamp_to_${id}_with_tz`
}

type OfDuration = (nanos: bigint) => bigint

/** All of a duration in a unit, towards zero. */
const ofDuration: readonly (readonly [name: string, id: string, convert: OfDuration])[] = [
  ['getHours', 'hours', nanos => nanos / 3_600_000_000_000n],
  ['getMinutes', 'minutes', nanos => nanos / 60_000_000_000n],
  ['getSeconds', 'seconds', nanos => nanos / 1_000_000_000n],
]

/** As cel-go and Kubernetes have it. */
const allMilliseconds: OfDuration = nanos => nanos / 1_000_000n
/** As the conformance suite has it. */
const millisecondsBesideSeconds: OfDuration = nanos => allMilliseconds(nanos) % 1000n

function durationPart(name: string, id: string, convert: OfDuration): FunctionOverload {
  return {
    id: `duration_to_${id}`,
    signature: `${duration}.${name}() -> int`,
    call: unary(isDuration, ({ nanos }) => convert(nanos)),
  }
}

/** Parts of timestamps, in UTC or in a zone, and of durations (cel-spec langdef.md "Timezones"). */
const times: readonly FunctionOverload[] = [
  ...parts.flatMap(([name, id, part]) => [
    {
      id: `timestamp_to_${id}`,
      signature: `${timestamp}.${name}() -> int`,
      call: unary(isTimestamp, time => BigInt(part(wallClock(time, 0)))),
    },
    {
      id: zonedId(id),
      signature: `${timestamp}.${name}(string) -> int`,
      call: binary(isTimestamp, isText, inZone(part)),
    },
  ]),
  ...ofDuration.map(([name, id, convert]) => durationPart(name, id, convert)),
]

export const standardTimes: readonly FunctionOverload[] = [
  ...times,
  durationPart('getMilliseconds', 'milliseconds', allMilliseconds),
]

/** The same as the specification has it: the milliseconds of a duration are those beside its seconds. */
export const specTimes: readonly FunctionOverload[] = [
  ...times,
  durationPart('getMilliseconds', 'milliseconds', millisecondsBesideSeconds),
]
