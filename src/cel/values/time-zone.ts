import { chargeOnce } from '../library/charge-once.js'
import type { CallContext } from '../library/library.js'

/** Zones change their offset at quarters of an hour only, since the last (Liberia's) was put right in 1972. */
const bucket = 900
const bucketsSince = Date.UTC(1973, 0) / 1000
/** Units for a zone that an evaluation has not used yet, and for its offset: two tenths of a millisecond, and a few microseconds. */
export const zoneUnits = { zone: 2000, offset: 20 } as const
const keptZones = 64
const longestName = 64

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** The instant, or the beginning of the quarter of an hour, that the offset is of. */
  at: number
  offset: number
}

const zones = new Map<string, Zone | undefined>()

/**
 * Seconds east of UTC at an instant (seconds since 1970); undefined for what is no time zone. `UTC`, an offset with two
 * parts (`+01:00`, `-08:30`, `01:00`; cel-spec langdef.md "Timezones"), or an IANA name as it is written. Charges for names,
 * the same whether the zone is in the cache or not.
 */
export function zoneOffset(name: string, seconds: number, context: CallContext): number | undefined {
  if (name === 'UTC' || name === '') return 0
  if (name.includes(':')) return fixedOffset(name)
  if (name.length > longestName || !chargeOnce(context, zoneKey(name), zoneUnits.zone)) return undefined
  if (!context.charge(zoneUnits.offset)) return undefined
  const zone = zoneNamed(name)
  return zone && offsetAt(zone, seconds)
}

/** What a zone that was looked up at load is called when it comes to paying for it. */
export function zoneKey(name: string): string {
  return `zone ${name}`
}

/** Rules ask for the offset of one instant, mostly: that of the call. */
function offsetAt(zone: Zone, seconds: number): number {
  const at = seconds < bucketsSince ? seconds : Math.floor(seconds / bucket) * bucket
  if (zone.at !== at) {
    zone.offset = offsetOf(zone.format, at)
    zone.at = at
  }
  return zone.offset
}

function fixedOffset(name: string): number | undefined {
  const match = name.length <= 6 ? /^([+-]?)(\d\d?):(\d\d)$/.exec(name) : null
  if (match === null) return undefined
  const hours = Number(match[2])
  const minutes = Number(match[3])
  if (hours > 23 || minutes > 59) return undefined
  return (hours * 3600 + minutes * 60) * (match[1] === '-' ? -1 : 1)
}

function zoneNamed(name: string): Zone | undefined {
  const known = zones.get(name)
  if (known !== undefined || zones.has(name)) return known
  const zone = /^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/.test(name) ? createZone(name) : undefined
  if (zones.size >= keptZones) zones.clear()
  zones.set(name, zone)
  return zone
}

function createZone(name: string): Zone | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    // ICU takes europe/berlin as well; where zones are files it is none, and neither is it in Kubernetes.
    const { timeZone } = format.resolvedOptions()
    if (timeZone !== name && timeZone.toLowerCase() === name.toLowerCase()) return undefined
    return { format, at: Number.NaN, offset: 0 }
  } catch {
    return undefined
  }
}

function offsetOf(format: Intl.DateTimeFormat, seconds: number): number {
  const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
  const year = parts.get('era')?.startsWith('B') ? 1 - part('year') : part('year')
  const wall = new Date(0)
  wall.setUTCFullYear(year, part('month') - 1, part('day'))
  wall.setUTCHours(part('hour'), part('minute'), part('second'), 0)
  return wall.getTime() / 1000 - seconds
}
