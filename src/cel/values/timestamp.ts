import { type Duration, Failure, Timestamp } from './value.js'

const nanosPerSecond = 1_000_000_000n
const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,64}))?(?:Z|([+-])(\d\d):(\d\d))$/

/** 0001-01-01T00:00:00Z */
export const firstNanos = -62_135_596_800n * nanosPerSecond
/** 9999-12-31T23:59:59.999999999Z */
export const lastNanos = 253_402_300_800n * nanosPerSecond - 1n

const notTimestamp = new Failure('not a timestamp: use RFC 3339, as in 2024-01-31T12:00:00Z')
export const timestampOverflow = new Failure('timestamp out of range: years are 1 to 9999')

export function timestampOf(nanos: bigint): Timestamp | Failure {
  return nanos >= firstNanos && nanos <= lastNanos ? new Timestamp(nanos) : timestampOverflow
}

/** RFC 3339 with upper-case T and Z; digits beyond the nanosecond are dropped, a leap second is refused (Go, time.Parse). */
export function parseTimestamp(text: string): Timestamp | Failure {
  const match = text.length <= 128 ? pattern.exec(text) : null
  if (match === null) return notTimestamp
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return notTimestamp
  if (hour > 23 || minute > 59 || second > 59) return notTimestamp
  const zoneHours = Number(match[9] ?? 0)
  const zoneMinutes = Number(match[10] ?? 0)
  if (zoneHours > 23 || zoneMinutes > 59) return notTimestamp
  const offset = (zoneHours * 3600 + zoneMinutes * 60) * (match[8] === '-' ? -1 : 1)
  const seconds = utcSeconds(year, month, day, hour, minute, second) - offset
  const fraction = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'))
  return timestampOf(BigInt(seconds) * nanosPerSecond + fraction)
}

/** RFC 3339 in UTC, with as many digits of the second as needed (Go, time.RFC3339Nano). */
export function formatTimestamp(time: Timestamp): string {
  const { seconds, nanos } = splitSeconds(time.nanos)
  const date = new Date(seconds * 1000).toISOString().slice(0, 19)
  return nanos === 0 ? `${date}Z` : `${date}.${String(nanos).padStart(9, '0').replace(/0+$/, '')}Z`
}

/** Whole seconds, rounded down, and the nanoseconds above them. */
export function splitSeconds(nanos: bigint): { seconds: number; nanos: number } {
  let seconds = nanos / nanosPerSecond
  let rest = nanos - seconds * nanosPerSecond
  if (rest < 0n) {
    seconds -= 1n
    rest += nanosPerSecond
  }
  return { seconds: Number(seconds), nanos: Number(rest) }
}

export function addDuration(time: Timestamp, duration: Duration): Timestamp | Failure {
  return timestampOf(time.nanos + duration.nanos)
}

function utcSeconds(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, 0)
  return date.getTime() / 1000
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
