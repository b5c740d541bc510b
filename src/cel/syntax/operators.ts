import type { Token } from './token.js'

export interface BinaryOperator {
  /** The function it calls, by CEL's name. */
  readonly name: string
  /** How it is written. */
  readonly text: string
  /** A higher one binds tighter; all associate to the left. */
  readonly precedence: number
  /** A chain of it is one call with all operands. */
  readonly flat: boolean
}

const binary = (text: string, precedence: number, name = `_${text}_`, flat = false): BinaryOperator => ({
  name,
  text,
  precedence,
  flat,
})

/** cel-spec langdef "Syntax", from loose to tight. The ternary is looser than all, prefixes and members are tighter. */
const list: readonly BinaryOperator[] = [
  binary('||', 1, '_||_', true),
  binary('&&', 2, '_&&_', true),
  binary('<', 3),
  binary('<=', 3),
  binary('>', 3),
  binary('>=', 3),
  binary('==', 3),
  binary('!=', 3),
  binary('in', 3, '@in'),
  binary('+', 4),
  binary('-', 4),
  binary('*', 5),
  binary('/', 5),
  binary('%', 5),
]

export const operatorByText: ReadonlyMap<Token['kind'] | string, BinaryOperator> = new Map(
  list.map(operator => [operator.text, operator]),
)
export const operatorByName: ReadonlyMap<string, BinaryOperator> = new Map(
  list.map(operator => [operator.name, operator]),
)

/** Where an expression stands, for those who write it down: what binds looser there needs parentheses. */
export const precedence = {
  ternary: 0,
  or: 1,
  and: 2,
  relation: 3,
  sum: 4,
  product: 5,
  prefix: 6,
  member: 7,
  primary: 8,
} as const
