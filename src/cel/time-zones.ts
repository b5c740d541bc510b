import { type Budget, spend } from './values.js'

const bucket = 15 * 60_000
/** Units for looking a zone up that is not known yet, and for asking it for its offset. */
const cost = { zone: 2000, offset: 200 } as const
const keptZones = 64

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** The last quarter of an hour asked for and its offset; zones change their offset at no other times. */
  quarter: number
  offset: number
}

const zones = new Map<string, Zone | undefined>()

/** Whether a text is `UTC`, an offset (`+01:00`, `-08:30`, `01:00`) or an IANA name. */
export function isTimeZone(name: string): boolean {
  return fixedOffset(name) !== undefined || zoneNamed(name, { left: cost.zone }) !== undefined
}

/** The wall clock of a zone, readable through the UTC getters of the result; undefined for an unknown zone. */
export function wallClock(time: Date, zone: string, budget: Budget): Date | undefined {
  const fixed = fixedOffset(zone)
  if (fixed !== undefined) return new Date(time.getTime() + fixed)
  const named = zoneNamed(zone, budget)
  if (named === undefined) return undefined
  const quarter = Math.floor(time.getTime() / bucket)
  if (named.quarter !== quarter) {
    spend(budget, cost.offset)
    named.offset = offsetOf(named.format, time)
    named.quarter = quarter
  }
  return new Date(time.getTime() + named.offset)
}

/** Milliseconds east of UTC (cel-spec langdef.md "Timezones": an optional sign, two digits, a colon, two digits). */
function fixedOffset(name: string): number | undefined {
  if (name === 'UTC') return 0
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(name)
  if (match === null) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3])
  if (Number(match[2]) > 23 || Number(match[3]) > 59) return undefined
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

function zoneNamed(name: string, budget: Budget): Zone | undefined {
  if (zones.has(name)) return zones.get(name)
  spend(budget, cost.zone)
  const zone = /^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/.test(name) && name.length <= 64 ? createZone(name) : undefined
  if (zones.size >= keptZones) zones.clear()
  if (name.length <= 64) zones.set(name, zone)
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

function offsetOf(format: Intl.DateTimeFormat, time: Date): number {
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
  const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year')
  const wall = new Date(0)
  wall.setUTCFullYear(year, part('month') - 1, part('day'))
  wall.setUTCHours(part('hour'), part('minute'), part('second'), 0)
  return wall.getTime() - Math.floor(time.getTime() / 1000) * 1000
}
