import { examples } from './function-example.js'

export const quantityExamples = examples([
  [
    'quantity(string) -> kubernetes.Quantity',
    'Reads a number with a suffix: n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent. Nothing is smaller than 1n.',
    "quantity('1.5Gi') == quantity('1536Mi')",
    'true',
  ],
  ['isQuantity(string) -> bool', 'Whether a text is a quantity.', "isQuantity('200K')", 'false'],
  ['sign(kubernetes.Quantity) -> int', '-1, 0 or 1; a function, not a method.', "sign(quantity('-5m'))", '-1'],
  [
    'kubernetes.Quantity.isInteger() -> bool',
    'Whether `asInteger` gives a value. That depends on how the number is written: 1.5Gi and 1000m are none.',
    "quantity('1000m').isInteger()",
    'false',
  ],
  [
    'kubernetes.Quantity.asInteger() -> int',
    'The number, if it is an integer and fits; else an error.',
    "quantity('50k').asInteger()",
    '50000',
  ],
  [
    'kubernetes.Quantity.asApproximateFloat() -> double',
    'The nearest double, or almost.',
    "quantity('500m').asApproximateFloat()",
    '0.5',
  ],
  [
    'kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity',
    'The exact sum.',
    "quantity('50k').add(quantity('20k')) == quantity('70k')",
    'true',
  ],
  [
    'kubernetes.Quantity.add(int) -> kubernetes.Quantity',
    'The sum with a plain number.',
    "quantity('50k').add(20) == quantity('50020')",
    'true',
  ],
  [
    'kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity',
    'The exact difference.',
    "quantity('50k').sub(quantity('20k')) == quantity('30k')",
    'true',
  ],
  [
    'kubernetes.Quantity.sub(int) -> kubernetes.Quantity',
    'The difference from a plain number.',
    "quantity('50k').sub(20000) == quantity('30k')",
    'true',
  ],
  [
    'kubernetes.Quantity.compareTo(kubernetes.Quantity) -> int',
    '-1, 0 or 1.',
    "quantity('200M').compareTo(quantity('0.2G'))",
    '0',
  ],
  [
    'kubernetes.Quantity.isLessThan(kubernetes.Quantity) -> bool',
    'Whether it is smaller.',
    "quantity('50M').isLessThan(quantity('50Mi'))",
    'true',
  ],
  [
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity) -> bool',
    'Whether it is greater.',
    "quantity('50Mi').isGreaterThan(quantity('100Mi'))",
    'false',
  ],
])
