import { jsonText } from '../protocol/json-text.js'

/** Entries of a list in a record at most. */
export const maxListed = 64
const maxText = 512

/** A text as JSON, cut where it is too long. */
export function text(value: string): string {
  return jsonText(value.length <= maxText ? value : cut(value))
}

/** Half of a character at the end would make the record one that strict readers refuse, ours among them. */
function cut(value: string): string {
  return value.slice(0, maxText).replace(/[\ud800-\udbff]$/, '')
}

/** Of names that are not longer than their documents let them be. */
export function list(values: readonly string[]): string {
  let items = ''
  for (let at = 0; at < values.length && at < maxListed; at++)
    items += `${at === 0 ? '' : ','}${jsonText(values[at] ?? '')}`
  return `[${items}]`
}

/** Whoever reads a list that was cut must know. */
export function total(name: string, values: readonly unknown[]): string {
  return values.length > maxListed ? `,"${name}_total":${values.length}` : ''
}

let lastSecond = Number.NaN
let lastBegin = ''
let lastMs = Number.NaN
let lastTime = ''

/**
 * A time in milliseconds since the epoch as ISO 8601 in UTC, as Date has it, which looks the calendar up each time: decisions
 * come many to a second.
 */
export function timestamp(now: number): string {
  if (now === lastMs) return lastTime
  const second = Math.floor(now / 1000)
  const millis = now - second * 1000
  if (!Number.isInteger(millis)) return new Date(now).toISOString()
  if (second !== lastSecond) {
    lastBegin = new Date(second * 1000).toISOString().slice(0, -4)
    lastSecond = second
  }
  lastTime = `${lastBegin}${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z`
  lastMs = now
  return lastTime
}

/** Remembers what is written of things that never change, as long as they are there. */
export function writtenOnce<Thing extends object>(write: (of: Thing) => string): (of: Thing) => string {
  const known = new WeakMap<Thing, string>()
  return of => {
    const found = known.get(of)
    if (found !== undefined) return found
    const fields = inOnePiece(write(of))
    known.set(of, fields)
    return fields
  }
}

/** What is joined of many is walked through each time that it is a part of something. Texts without lone surrogates. */
export function inOnePiece(joined: string): string {
  return Buffer.from(joined).toString()
}
