import type { CallExpr, Expr, Literal } from '../syntax/ast.js'
import { isLiteral, type LintSubject } from './lint-subject.js'

/** What one condition of a chain demands of a value. */
export interface Constraint {
  /** Of the value; the same for what is written alike. */
  readonly shape: number
  readonly value: Expr
  readonly demand: Demand
  /** The condition as written. */
  readonly node: Expr
}

export type Demand = Choice | Limit

interface Choice {
  readonly kind: 'one of' | 'none of'
  readonly values: readonly Literal[]
}

interface Limit {
  readonly kind: 'at least' | 'at most'
  readonly limit: bigint | number
  readonly open: boolean
}

const opposite: ReadonlyMap<string, string> = new Map([
  ['_==_', '_!=_'],
  ['_!=_', '_==_'],
  ['_<_', '_>=_'],
  ['_>=_', '_<_'],
  ['_>_', '_<=_'],
  ['_<=_', '_>_'],
])

const mirrored: ReadonlyMap<string, string> = new Map([
  ['_==_', '_==_'],
  ['_!=_', '_!=_'],
  ['_<_', '_>_'],
  ['_>=_', '_<=_'],
  ['_>_', '_<_'],
  ['_<=_', '_>=_'],
])

/** What a condition demands when it must be true, or, negated, when it must be false. */
export function constraintOf(subject: LintSubject, condition: Expr, negated: boolean): Constraint {
  let node = condition
  let not = negated
  while (node.kind === 'call' && node.target === undefined && node.name === '!_' && node.args[0] !== undefined) {
    node = node.args[0]
    not = !not
  }
  const found = node.kind === 'call' && node.target === undefined ? compared(node, not) : undefined
  if (found !== undefined) return { ...found, shape: subject.shapes.of(found.value), node: condition }
  return truth(subject, node, not, condition)
}

/** What a comparison with constants demands of what is compared; undefined where it is none. */
export function compared(call: CallExpr, not: boolean): Pick<Constraint, 'value' | 'demand'> | undefined {
  const [left, right] = call.args
  if (left === undefined || right === undefined) return undefined
  if (call.name === '@in') {
    if (right.kind !== 'list' || isLiteral(left)) return undefined
    const values = right.elements.map(({ value, optional }) => (optional ? undefined : literalOf(value)))
    if (!values.every(value => value !== undefined)) return undefined
    return { value: left, demand: { kind: not ? 'none of' : 'one of', values } }
  }
  const swapped = isLiteral(left)
  const literal = literalOf(swapped ? left : right)
  const operator = swapped ? mirrored.get(call.name) : call.name
  if (literal === undefined || operator === undefined || (swapped && isLiteral(right))) return undefined
  const demand = demandOf(not ? (opposite.get(operator) ?? operator) : operator, literal)
  return demand && { value: swapped ? right : left, demand }
}

function literalOf(node: Expr): Literal | undefined {
  return node.kind === 'literal' ? node.literal : undefined
}

function demandOf(operator: string, literal: Literal): Demand | undefined {
  if (operator === '_==_') return { kind: 'one of', values: [literal] }
  if (operator === '_!=_') return { kind: 'none of', values: [literal] }
  const limit = numberOf(literal)
  if (limit === undefined) return undefined
  switch (operator) {
    case '_<_':
      return { kind: 'at most', limit, open: true }
    case '_<=_':
      return { kind: 'at most', limit, open: false }
    case '_>_':
      return { kind: 'at least', limit, open: true }
    case '_>=_':
      return { kind: 'at least', limit, open: false }
    default:
      return undefined
  }
}

/** A condition that compares with no constant is a value of its own: `a` and `!a`, `a == b` and `a != b`. */
function truth(subject: LintSubject, node: Expr, not: boolean, condition: Expr): Constraint {
  const negation = node.kind === 'call' && node.target === undefined ? negatives.get(node.name) : undefined
  const shape = negation === undefined ? subject.shapes.of(node) : subject.shapes.withOperator(node, negation)
  const value = (negation === undefined) !== not
  return { shape, value: node, demand: { kind: 'one of', values: [{ type: 'bool', value }] }, node: condition }
}

const negatives: ReadonlyMap<string, string> = new Map([
  ['_!=_', '_==_'],
  ['_>=_', '_<_'],
  ['_<=_', '_>_'],
])

/** Whether no value can meet all demands. An error meets none. */
export function contradict(demands: readonly Demand[]): boolean {
  for (const demand of demands) {
    if (demand.kind !== 'one of' || !('values' in demand)) continue
    return !demand.values.some(value => demands.every(other => meets(value, other)))
  }
  const limits = demands.filter(demand => 'limit' in demand)
  return limits.some(
    low => low.kind === 'at least' && limits.some(high => high.kind === 'at most' && excludes(low, high)),
  )
}

function excludes(low: Limit, high: Limit): boolean {
  return low.limit > high.limit || (!(low.limit < high.limit) && (low.open || high.open))
}

function meets(literal: Literal, demand: Demand): boolean {
  if ('values' in demand) return demand.values.some(value => equal(literal, value)) === (demand.kind === 'one of')
  const number = numberOf(literal)
  if (number === undefined) return false
  const { limit, open } = demand
  const beyond = demand.kind === 'at least' ? number > limit : number < limit
  return beyond || (!open && !(number < limit) && !(number > limit))
}

export function numberOf(literal: Literal): bigint | number | undefined {
  return literal.type === 'int' || literal.type === 'uint' || literal.type === 'double' ? literal.value : undefined
}

/** As CEL has it: numbers of all types are on one line, other types have nothing in common. */
function equal(a: Literal, b: Literal): boolean {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== undefined && y !== undefined) return !(x < y) && !(x > y)
  if (a.type === 'bytes' && b.type === 'bytes') {
    const { value } = b
    return a.value.length === value.length && a.value.every((octet, i) => octet === value[i])
  }
  if (a.type === 'null' || b.type === 'null') return a.type === b.type
  return a.type === b.type && a.value === b.value
}
