import { compare } from '../values/compare.js'
import { checkedInt, uintMax } from '../values/numbers.js'
import { Failure, type Result, Uint, type Value } from '../values/value.js'
import { binary, isDouble, isInt, isList, isUint, noSuchOverload, outOfBudget, unary } from './implement.js'
import type { FunctionOverload, Implementation, Library } from './library.js'

const notOrdered = new Failure('NaN values cannot be ordered')
const emptyList = new Failure('math.greatest() and math.least() need at least one number')
const negativeShift = new Failure('a shift in math needs 0 bits or more')

function isNumber(value: Value | undefined): value is bigint | number | Uint {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint
}

/** The first of those that are equal (`math.greatest(2, 2.0)` is 2), of one argument, two, or a list of them. */
function extreme(direction: 1 | -1): Implementation {
  return ([first, second], context) => {
    const numbers = isList(first) ? first : second === undefined ? [first] : [first, second]
    if (!context.charge(numbers.length - 1)) return outOfBudget
    let best: Value | undefined
    for (const number of numbers) {
      if (!isNumber(number)) return noSuchOverload
      const order = best === undefined ? direction : compare(number, best)
      if (order === undefined || Number.isNaN(order)) return notOrdered
      if (order * direction > 0) best = number
    }
    return best ?? emptyList
  }
}

const types = ['double', 'int', 'uint'] as const

/**
 * As functions of one number, two, or a list. What cel-go's macro makes of more arguments is a list of them, so an
 * environment that offers `math.greatest(a, b, c)` reads it as `math.greatest([a, b, c])`.
 */
function extremes(name: string, id: string, direction: 1 | -1): readonly FunctionOverload[] {
  const call = extreme(direction)
  return [
    ...types.map(type => ({ id: `${id}_${type}`, signature: `${name}(${type}) -> ${type}`, call })),
    ...types.flatMap(a =>
      types.map(b => ({ id: `${id}_${a}_${b}`, signature: `${name}(${a}, ${b}) -> ${a === b ? a : 'dyn'}`, call })),
    ),
    ...types.map(type => ({ id: `${id}_list_${type}`, signature: `${name}(list(${type})) -> ${type}`, call })),
  ]
}

function ofDouble(name: string, compute: (value: number) => Result, result = 'double'): FunctionOverload {
  return { id: `math_${name}_double`, signature: `math.${name}(double) -> ${result}`, call: unary(isDouble, compute) }
}

/** Halves away from zero; JavaScript rounds them up. */
function round(value: number): number {
  const whole = Math.trunc(value)
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole
}

function ofEach(
  name: string,
  result: string | undefined,
  compute: readonly [(v: number) => Result, (v: bigint) => Result, (v: bigint) => Result],
): readonly FunctionOverload[] {
  const [double, int, uint] = compute
  const calls = [unary(isDouble, double), unary(isInt, int), unary(isUint, ({ value }) => uint(value))]
  return types.flatMap((type, at) => {
    const call = calls[at]
    const signature = `math.${name}(${type}) -> ${result ?? type}`
    return call === undefined ? [] : [{ id: `math_${name}_${type}`, signature, call }]
  })
}

/** Zero has no sign, NaN stays. */
function sign(value: number): number {
  return Number.isNaN(value) ? value : value > 0 ? 1 : value < 0 ? -1 : 0
}

function asInt(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function asUint(value: bigint): Uint {
  return new Uint(BigInt.asUintN(64, value))
}

function bitwise(name: string, compute: (a: bigint, b: bigint) => bigint): readonly FunctionOverload[] {
  return [
    {
      id: `math_${name}_int_int`,
      signature: `math.${name}(int, int) -> int`,
      call: binary(isInt, isInt, (a, b) => asInt(compute(a, b))),
    },
    {
      id: `math_${name}_uint_uint`,
      signature: `math.${name}(uint, uint) -> uint`,
      call: binary(isUint, isUint, (a, b) => asUint(compute(a.value, b.value))),
    },
  ]
}

/** From 64 bits on nothing is left. Shifting to the right fills with zeros, for negative numbers too. */
function shift(name: string, compute: (bits: bigint, by: bigint) => bigint): readonly FunctionOverload[] {
  const shifted = (value: bigint, by: bigint) => (by > 63n ? 0n : compute(BigInt.asUintN(64, value), by))
  return [
    {
      id: `math_${name}_int_int`,
      signature: `math.${name}(int, int) -> int`,
      call: binary(isInt, isInt, (value, by) => (by < 0n ? negativeShift : asInt(shifted(value, by)))),
    },
    {
      id: `math_${name}_uint_int`,
      signature: `math.${name}(uint, int) -> uint`,
      call: binary(isUint, isInt, ({ value }, by) => (by < 0n ? negativeShift : asUint(shifted(value, by)))),
    },
  ]
}

/** The math extension of cel-go, version 2. Not in Kubernetes. */
export const math: Library = {
  name: 'math',
  functions: [
    ...extremes('math.greatest', 'math_@max', 1),
    ...extremes('math.least', 'math_@min', -1),
    ofDouble('ceil', Math.ceil),
    ofDouble('floor', Math.floor),
    ofDouble('round', round),
    ofDouble('trunc', Math.trunc),
    ofDouble('isInf', value => Math.abs(value) === Number.POSITIVE_INFINITY, 'bool'),
    ofDouble('isNaN', Number.isNaN, 'bool'),
    ofDouble('isFinite', Number.isFinite, 'bool'),
    ...ofEach('abs', undefined, [Math.abs, int => checkedInt(int < 0n ? -int : int), uint => new Uint(uint)]),
    ...ofEach('sign', undefined, [
      sign,
      int => (int > 0n ? 1n : int < 0n ? -1n : 0n),
      uint => new Uint(uint === 0n ? 0n : 1n),
    ]),
    ...ofEach('sqrt', 'double', [Math.sqrt, int => Math.sqrt(Number(int)), uint => Math.sqrt(Number(uint))]),
    ...bitwise('bitAnd', (a, b) => a & b),
    ...bitwise('bitOr', (a, b) => a | b),
    ...bitwise('bitXor', (a, b) => a ^ b),
    // cel-go names these two as if they took two arguments.
    { id: 'math_bitNot_int_int', signature: 'math.bitNot(int) -> int', call: unary(isInt, value => ~value) },
    {
      id: 'math_bitNot_uint_uint',
      signature: 'math.bitNot(uint) -> uint',
      call: unary(isUint, ({ value }) => new Uint(value ^ uintMax)),
    },
    ...shift('bitShiftLeft', (bits, by) => bits << by),
    ...shift('bitShiftRight', (bits, by) => bits >> by),
  ],
}
