import { zoneUnits } from '../../values/time-zone.js'
import { type CostRange, exactly, fullTens, tens, through, through2, upTo, zero } from '../range.js'
import { textOf } from '../shapes/plain-shapes.js'
import { costs, nominal, type PriceTable, shortText } from './pricing.js'

const timeParts = [
  ...['year', 'month', 'day_of_year', 'day_of_month', 'day_of_month_1_based', 'day_of_week', 'hours', 'minutes'],
  ...['seconds', 'milliseconds'],
]

/** The functions of the language itself, except `matches` (pattern-costs.ts). */
export const standardCosts: PriceTable = [
  [['size_string', 'string_size'], o => costs(through(o.text(0), size => Math.floor(size / 64)))],
  [['size_bytes', 'size_list', 'size_map', 'bytes_size', 'list_size', 'map_size'], nominal],
  [['contains_string'], o => costs(through2(o.text(0), o.wanted(1), (a, b) => Math.max(tens(a) * tens(b) - 1, 0)))],
  [
    ['starts_with_string', 'ends_with_string'],
    o => costs(through2(o.text(0), o.text(1), (a, b) => fullTens(Math.min(a, b)))),
  ],
  [
    ['string_to_bytes'],
    o => costs(through(o.text(0), fullTens), textOf({ min: o.text(0).min, max: 3 * o.text(0).max })),
  ],
  [['bytes_to_string'], o => costs(through(o.text(0), fullTens), textOf({ min: 0, max: o.text(0).max }))],
  [['string_to_string', 'bytes_to_bytes', 'to_dyn'], o => costs(zero, o.shape(0))],
  [
    ['bool', 'int64', 'uint64', 'double', 'timestamp', 'duration'].map(type => `${type}_to_string`),
    () => costs(zero, shortText),
  ],
  [
    [
      ...['int64_to_int64', 'uint64_to_int64', 'double_to_int64', 'string_to_int64', 'timestamp_to_int64'],
      ...['duration_to_int64', 'uint64_to_uint64', 'int64_to_uint64', 'double_to_uint64', 'string_to_uint64'],
      ...['double_to_double', 'int64_to_double', 'uint64_to_double', 'string_to_double', 'bool_to_bool'],
      ...['string_to_bool', 'timestamp_to_timestamp', 'string_to_timestamp', 'int64_to_timestamp'],
      ...['duration_to_duration', 'string_to_duration', 'type'],
    ],
    nominal,
  ],
  [timeParts.map(part => `timestamp_to_${part}`), nominal],
  [
    timeParts.map(part => (part === 'seconds' ? 'timestamp_to_seconds_tz' : `timestamp_to_${part}_with_tz`)),
    o => costs(inZone(o.literalText(1))),
  ],
  [['hours', 'minutes', 'seconds', 'milliseconds'].map(part => `duration_to_${part}`), nominal],
]

/** A zone that is written out was looked up at load; only its offset is to pay for. */
function inZone(zone: string | undefined): CostRange {
  if (zone === undefined) return upTo(zoneUnits.zone + zoneUnits.offset)
  return zone === 'UTC' || zone === '' || zone.includes(':') ? zero : exactly(zoneUnits.offset)
}
