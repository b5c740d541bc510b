/** From the least to the most; whole numbers, saturating at `Number.MAX_SAFE_INTEGER`. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** Kubernetes cost units. */
export type CostRange = Range

/** Characters (UTF-16 units) of a text, bytes, elements of a list, entries of a map. */
export type SizeRange = Range

export const most = Number.MAX_SAFE_INTEGER

function bounded(value: number): number {
  return Math.min(value, most)
}

export function exactly(value: number): Range {
  return { min: value, max: value }
}

export function upTo(max: number): Range {
  return { min: 0, max: bounded(max) }
}

export const zero = exactly(0)
export const one = exactly(1)

export function add(a: Range, b: Range): Range {
  return { min: bounded(a.min + b.min), max: bounded(a.max + b.max) }
}

export function sum(...ranges: readonly Range[]): Range {
  return ranges.reduce(add, zero)
}

export function times(a: Range, b: Range): Range {
  return { min: bounded(a.min * b.min), max: bounded(a.max * b.max) }
}

export function either(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }
}

/** What is done perhaps. */
export function perhaps({ max }: Range): Range {
  return { min: 0, max }
}

/** A function that does not fall, of a number in the range. */
export function through(range: Range, grow: (value: number) => number): Range {
  return { min: bounded(grow(range.min)), max: bounded(grow(range.max)) }
}

/** The same of two numbers. */
export function through2(a: Range, b: Range, grow: (a: number, b: number) => number): Range {
  return { min: bounded(grow(a.min, b.min)), max: bounded(grow(a.max, b.max)) }
}

/** Each ten begun. */
export function tens(value: number): number {
  return Math.ceil(value / 10)
}

/** Each ten full. */
export function fullTens(value: number): number {
  return Math.floor(value / 10)
}
