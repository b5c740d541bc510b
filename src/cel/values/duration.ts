import { isInt } from './numbers.js'
import { Duration, Failure } from './value.js'

const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const part = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y

const notDuration = new Failure('not a duration: use numbers with units h, m, s, ms, us or ns, as in 1h30m')
export const durationOverflow = new Failure('duration out of range')

export function durationOf(nanos: bigint): Duration | Failure {
  return isInt(nanos) ? new Duration(nanos) : durationOverflow
}

/** As Go's time.ParseDuration: an optional sign, then numbers with units; `0` alone needs none. */
export function parseDuration(text: string): Duration | Failure {
  if (text.length > 128) return notDuration
  let at = text.startsWith('-') || text.startsWith('+') ? 1 : 0
  if (at === text.length) return notDuration
  if (text.slice(at) === '0') return new Duration(0n)
  let nanos = 0n
  while (at < text.length) {
    part.lastIndex = at
    const match = part.exec(text)
    const unit = match && units.get(match[3] ?? '')
    if (!match || !unit || (!match[1] && !match[2])) return notDuration
    const fraction = match[2] ?? ''
    nanos += BigInt(match[1] || '0') * unit + (BigInt(fraction || '0') * unit) / 10n ** BigInt(fraction.length)
    at = part.lastIndex
  }
  return durationOf(text.startsWith('-') ? -nanos : nanos)
}

/** Seconds as cel-go writes them: the nearest double in full (`90s`, `0.5s`, `0.000000001s`). */
export function formatDuration(duration: Duration): string {
  const { nanos } = duration
  const magnitude = nanos < 0n ? -nanos : nanos
  const minus = nanos < 0n ? '-' : ''
  if (magnitude < 1000n) {
    return magnitude === 0n ? '0s' : `${minus}0.${String(magnitude).padStart(9, '0').replace(/0+$/, '')}s`
  }
  return `${minus}${Number(magnitude / 1_000_000_000n) + Number(magnitude % 1_000_000_000n) / 1e9}s`
}
