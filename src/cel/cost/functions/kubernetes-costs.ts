import { namedFormats } from '../../library/named-format.js'
import { exactly, fullTens, upTo } from '../range.js'
import { listOf, textOf } from '../shapes/plain-shapes.js'
import { scalar } from '../shapes/shape.js'
import { search } from './pattern-costs.js'
import { costs, nominal, type PriceTable, parsed, traversed } from './pricing.js'

const longestFormat = Math.max(0, ...[...namedFormats.values()].map(format => format.patternLength))

/** Kubernetes' own types and words: quantities, versions, named formats, JSON patches. */
export const kubernetesCosts: PriceTable = [
  [['string_to_quantity', 'string_to_semver', 'string_bool_to_semver'], parsed],
  [
    ['is_quantity_string', 'is_semver_string', 'is_semver_string_bool'],
    o => ({ cost: traversed(o.text(0)), shape: scalar }),
  ],
  [
    [
      ...['quantity_sign', 'quantity_is_greater_than', 'quantity_is_less_than', 'quantity_compare_to'],
      ...['quantity_get_float', 'quantity_get_int', 'quantity_is_integer'],
      ...['quantity_add', 'quantity_add_int', 'quantity_sub', 'quantity_sub_int'],
      ...['semver_major', 'semver_minor', 'semver_patch'],
    ],
    nominal,
  ],
  [
    ['semver_is_greater_than', 'semver_is_less_than', 'semver_compare_to'],
    o => costs(upTo(fullTens(Math.min(o.text(0).max, o.text(1).max)))),
  ],
  [[...namedFormats.keys()].map(name => `format.${name}`), nominal],
  [['format-named'], nominal],
  [
    ['format-validate'],
    o => {
      const cost = { min: 1, max: search(o.text(1), exactly(longestFormat)).max }
      return { cost, shape: listOf(upTo(64), () => textOf(upTo(1000 + o.text(1).max))) }
    },
  ],
  [
    ['string_jsonpatch_escapeKey_string'],
    o => ({ cost: traversed(o.text(0)), shape: textOf({ min: o.text(0).min, max: 2 * o.text(0).max }) }),
  ],
]
