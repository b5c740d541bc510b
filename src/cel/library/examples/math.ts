import { examples } from './function-example.js'

export const mathExamples = examples([
  [
    'math.greatest(int, int) -> int',
    'The greatest of numbers of any type, or of a list of them.',
    'math.greatest(1, 2.5)',
    '2.5',
  ],
  [
    'math.least(int, int) -> int',
    'The least of numbers of any type, or of a list of them.',
    'math.least([3, 1, 2])',
    '1',
  ],
  ['math.ceil(double) -> double', 'The next whole number up.', 'math.ceil(1.2)', '2.0'],
  ['math.floor(double) -> double', 'The next whole number down.', 'math.floor(-1.2)', '-2.0'],
  ['math.round(double) -> double', 'The nearest whole number; halves away from zero.', 'math.round(-1.5)', '-2.0'],
  ['math.trunc(double) -> double', 'Without the fraction.', 'math.trunc(-1.7)', '-1.0'],
  ['math.isInf(double) -> bool', 'Whether a number is infinite.', 'math.isInf(1.0 / 0.0)', 'true'],
  ['math.isNaN(double) -> bool', 'Whether a number is not a number.', 'math.isNaN(0.0 / 0.0)', 'true'],
  ['math.isFinite(double) -> bool', 'Whether a number is neither infinite nor NaN.', 'math.isFinite(1.5)', 'true'],
  ['math.abs(int) -> int', 'Without the sign; an error for the least int.', 'math.abs(-3)', '3'],
  ['math.sign(int) -> int', '-1, 0 or 1, of the same type.', 'math.sign(-2.5)', '-1.0'],
  ['math.sqrt(double) -> double', 'The square root; NaN for a negative number.', 'math.sqrt(81)', '9.0'],
  ['math.bitAnd(int, int) -> int', 'The bits that both have.', 'math.bitAnd(6, 3)', '2'],
  ['math.bitOr(int, int) -> int', 'The bits that one has.', 'math.bitOr(6, 3)', '7'],
  ['math.bitXor(int, int) -> int', 'The bits that only one has.', 'math.bitXor(6, 3)', '5'],
  ['math.bitNot(int) -> int', 'All bits the other way.', 'math.bitNot(0u)', '18446744073709551615u'],
  ['math.bitShiftLeft(int, int) -> int', 'The bits moved up; 0 from 64 on.', 'math.bitShiftLeft(1, 4)', '16'],
  ['math.bitShiftRight(int, int) -> int', 'The bits moved down, filled with zeros.', 'math.bitShiftRight(-1, 63)', '1'],
])
