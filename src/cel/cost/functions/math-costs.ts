import { exactly } from '../range.js'
import { scalar } from '../shapes/shape.js'
import type { Operands } from './operands.js'
import { nominal, type Priced, type PriceTable } from './pricing.js'

const number = ['double', 'int', 'uint']
const extremes = ['math_@max', 'math_@min'].flatMap(id => [
  ...number.map(type => `${id}_${type}`),
  ...number.map(type => `${id}_list_${type}`),
  ...number.flatMap(a => number.map(b => `${id}_${a}_${b}`)),
])

/** cel-go's `math`. */
export const mathCosts: PriceTable = [
  [extremes, extreme],
  [
    [
      ...['ceil', 'floor', 'round', 'trunc', 'isInf', 'isNaN', 'isFinite'].map(name => `math_${name}_double`),
      ...['abs', 'sign', 'sqrt'].flatMap(name => number.map(type => `math_${name}_${type}`)),
      ...['bitAnd', 'bitOr', 'bitXor', 'bitNot'].flatMap(name => [`math_${name}_int_int`, `math_${name}_uint_uint`]),
      ...['bitShiftLeft', 'bitShiftRight'].flatMap(name => [`math_${name}_int_int`, `math_${name}_uint_int`]),
    ],
    nominal,
  ],
]

/** Of one number, of two or more, or of a list of them. */
function extreme(o: Operands): Priced {
  const count = o.count > 1 ? exactly(o.count) : { min: 1, max: Math.max(1, o.list(0).max) }
  return { cost: count, shape: scalar }
}
