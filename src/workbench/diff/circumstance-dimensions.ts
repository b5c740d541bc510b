import { choice, type Dimension, dimension, nothing } from './dimension.js'
import { plainTime } from './draft.js'
import type { Hints } from './expression-hints.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A header may have any text; this one nobody names. */
const unmentioned = 'x-other'
const mostHeaders = 12

/**
 * When, from where, and with which headers: as far as expressions look at them.
 * @param anyHour whether a rule that changed looks at the time; else a few times will do
 */
export function circumstanceDimensions(hints: Hints, anyHour: boolean): readonly Dimension[] {
  const dimensions: Dimension[] = []
  if (hints.reads('request', 'time')) dimensions.push(timeDimension(hints, anyHour))
  const addresses = hints.at('request', 'sourceAddress').filter(value => typeof value === 'string')
  if (hints.reads('request', 'sourceAddress')) {
    const choices = [...new Set([...addresses, '192.0.2.7', '10.0.0.7'])].filter(text => /^[0-9a-fA-F.:]+$/.test(text))
    dimensions.push(
      dimension(
        'address',
        [nothing, ...choices.map(address => choice('', address, draft => void Object.assign(draft, { address })))],
        { read: ['request.sourceAddress'] },
      ),
    )
  }
  const headers = hints.paths.filter(([root, field, name]) => root === 'request' && field === 'headers' && isName(name))
  for (const [, , name = '', ...rest] of headers.slice(0, mostHeaders)) {
    if (rest.length > 0) continue
    const values = hints
      .at('request', 'headers', name)
      .filter(value => typeof value === 'string' && isHeaderValue(value))
    const choices = [...new Set([...values.map(String), unmentioned])].map(value =>
      choice('', value, draft => void draft.headers.set(name, value)),
    )
    dimensions.push(dimension(`header ${name}`, [nothing, ...choices], { read: [`request.headers.${name}`] }))
  }
  return dimensions
}

/** Each hour of one day, each day of one week, and around every moment that is named. */
function timeDimension(hints: Hints, anyHour: boolean): Dimension {
  const times = new Set<number>()
  for (const value of [...hints.at('request', 'time')]) {
    const named = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN
    if (!Number.isNaN(named)) for (const by of [0, 1000, -1000]) times.add(named + by)
  }
  const midnight = plainTime - (plainTime % dayMs)
  for (let hour = 0; hour < 24; hour += anyHour ? 1 : 6) times.add(midnight + hour * hourMs)
  for (let day = 1; day < 7; day += anyHour ? 1 : 3) times.add(plainTime + day * dayMs)
  times.delete(plainTime)
  const choices = [...times].map(now => choice('', undefined, draft => void Object.assign(draft, { now })))
  return dimension('time', [nothing, ...choices], { read: ['request.time'] })
}

function isName(name: string | undefined): boolean {
  return name !== undefined && name !== '*' && name !== '#size' && /^[a-z0-9-]{1,100}$/.test(name)
}

function isHeaderValue(value: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,200}[\x21-\x7e])?$/.test(value)
}
