import type { CallContext } from '../library/library.js'

/** Zones change their offset at quarters of an hour only. */
const bucket = 900
/** Units for a zone that is not known yet, and for asking one for its offset. */
const cost = { zone: 2000, offset: 200 } as const
const keptZones = 64

interface Zone {
  readonly format: Intl.DateTimeFormat
  quarter: number
  offset: number
}

const zones = new Map<string, Zone | undefined>()

/**
 * Seconds east of UTC at an instant (seconds since 1970); undefined for what is no time zone. `UTC`, an offset with two
 * parts (`+01:00`, `-08:30`, `01:00`; cel-spec langdef.md "Timezones"), or an IANA name. Charges for names.
 */
export function zoneOffset(name: string, seconds: number, context: CallContext): number | undefined {
  if (name === 'UTC' || name === '') return 0
  if (name.includes(':')) return fixedOffset(name)
  const zone = zoneNamed(name, context)
  if (zone === undefined) return undefined
  const quarter = Math.floor(seconds / bucket)
  if (zone.quarter !== quarter) {
    if (!context.charge(cost.offset)) return undefined
    zone.offset = offsetOf(zone.format, seconds)
    zone.quarter = quarter
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

function zoneNamed(name: string, context: CallContext): Zone | undefined {
  const known = zones.get(name)
  if (known !== undefined || zones.has(name)) return known
  if (name.length > 64 || !context.charge(cost.zone)) return undefined
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
    return { format, quarter: Number.NaN, offset: 0 }
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
