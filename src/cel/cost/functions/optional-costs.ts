import { upTo, zero } from '../range.js'
import { union } from '../shapes/combined-shapes.js'
import { listOf } from '../shapes/plain-shapes.js'
import { costs, nominal, type PriceTable } from './pricing.js'

/** Optionals, and what gives one: the ends of a list. */
export const optionalCosts: PriceTable = [
  [['optional_none', 'optional_hasValue'], nominal],
  [['optional_of', 'optional_ofNonZeroValue', 'optional_value'], o => costs(zero, o.shape(0))],
  [['optional_or_optional', 'optional_orValue_value'], o => costs(zero, union([o.shape(0), o.shape(1)]))],
  [['list_first', 'list_last'], o => costs(zero, o.shape(0).items)],
  [
    ['optional_unwrap', 'optional_unwrapOpt'],
    o =>
      costs(
        o.list(0),
        listOf(upTo(o.list(0).max), () => o.shape(0).items),
      ),
  ],
]
