import type { CallExpr, ComprehensionExpr, Expr } from '../syntax/ast.js'
import { children, walk, walkUp } from '../syntax/walk.js'
import { type Constraint, constraintOf, contradict } from './constraints.js'
import { isLiteral, type LintSubject } from './lint-subject.js'
import { demandsOnAll } from './value-ranges.js'

/**
 * Conditions that are the same whatever the input is, unless they fail. What follows from another such condition is not
 * reported again. A whole expression that is written `true` or `false` is meant.
 */
export function constantConditions(subject: LintSubject): void {
  const constants = constantParts(subject)
  const known = new Map<number, boolean>()
  walkUp(subject.expr, node => {
    const literal = node.kind === 'literal' && node.literal.type === 'bool' ? node.literal.value : undefined
    const constant = literal ?? constants.values.get(node.id)
    if (constant !== undefined) known.set(node.id, constant)
    if (constant !== undefined || constants.inside.has(node.id)) return
    const follows = consequence(node, known)
    const reason = follows === undefined ? reasonOf(subject, node) : undefined
    const value = follows ?? reason?.value
    if (value !== undefined) known.set(node.id, value)
    if (reason !== undefined) report(subject, reason.at ?? node, reason.value, reason.why, reason.hint)
  })
  for (const node of constants.nodes) {
    const value = constants.values.get(node.id)
    if (value !== undefined) report(subject, node, value, `${subject.quote(node)} reads no variable`)
  }
  reportLiterals(subject, constants.inside)
}

interface Reason {
  readonly value: boolean
  readonly why: string
  readonly hint?: string
  /** What is reported; the node itself unless told. */
  readonly at?: Expr
}

function report(subject: LintSubject, node: Expr, value: boolean, why: string, hint?: string): void {
  const code = value ? 'always-true' : 'always-false'
  subject.report(code, node, `this is always ${value}: ${why}`, hint)
}

/** What is evaluated beforehand: the largest parts that are bools and read nothing. */
function constantParts(subject: LintSubject) {
  const nodes: Expr[] = []
  const values = new Map<number, boolean>()
  const inside = new Set<number>()
  const { evaluate } = subject.context
  if (evaluate === undefined) return { nodes, values, inside }
  const reading = readers(subject)
  walk(subject.expr, node => {
    if (reading.has(node.id) || isLiteral(node) || subject.typeOf(node).kind !== 'bool') return undefined
    const value = evaluate(node)
    if (value === undefined) return undefined
    nodes.push(node)
    values.set(node.id, value)
    walk(node, part => {
      if (part !== node) inside.add(part.id)
    })
    return 'skip'
  })
  return { nodes, values, inside }
}

/** Nodes that read a variable, or a local one from outside of them (which is not told apart from one of their own). */
function readers(subject: LintSubject): ReadonlySet<number> {
  const found = new Set<number>()
  walkUp(subject.expr, node => {
    // `optional` of `optional.of(x)` has no type of its own: it is a namespace.
    const read = node.kind === 'ident' && subject.hasType(node) && subject.referenceOf(node)?.kind !== 'type'
    if (read || children(node).some(child => found.has(child.id))) found.add(node.id)
  })
  return found
}

/** What is known because parts are known. */
function consequence(node: Expr, known: ReadonlyMap<number, boolean>): boolean | undefined {
  if (node.kind === 'comprehension') return ofMacro(node, known)
  if (node.kind === 'bind') return known.get(node.body.id)
  if (node.kind !== 'call' || node.target !== undefined) return undefined
  const values = node.args.map(argument => known.get(argument.id))
  const [first, second, third] = values
  switch (node.name) {
    case '!_':
      return first === undefined ? undefined : !first
    case '_&&_':
      return values.includes(false) ? false : values.every(value => value === true) ? true : undefined
    case '_||_':
      return values.includes(true) ? true : values.every(value => value === false) ? false : undefined
    case '_?_:_':
      if (first !== undefined) return first ? second : third
      // Of literals this is a choice that is written out; of others, each is reported.
      return undefined
    default:
      return undefined
  }
}

function ofMacro({ macro, filter, body }: ComprehensionExpr, known: ReadonlyMap<number, boolean>): boolean | undefined {
  const value = body === undefined || filter !== undefined ? undefined : known.get(body.id)
  if (macro === 'all') return value === true ? true : undefined
  if (macro === 'exists' || macro === 'exists_one') return value === false ? false : undefined
  return undefined
}

/** What is known because of how a condition is written. */
function reasonOf(subject: LintSubject, node: Expr): Reason | undefined {
  if (node.kind === 'comprehension') return emptyRange(node)
  if (node.kind !== 'call' || node.target !== undefined) return undefined
  if (node.name === '_&&_' || node.name === '_||_') return ofChain(subject, node)
  return sameOperands(subject, node) ?? outOfRange(subject, node)
}

function emptyRange({ macro, range }: ComprehensionExpr): Reason | undefined {
  const empty =
    (range.kind === 'list' && range.elements.length === 0) || (range.kind === 'map' && range.entries.length === 0)
  if (!empty || (macro !== 'all' && macro !== 'exists' && macro !== 'exists_one')) return undefined
  return { value: macro === 'all', why: 'there is nothing in it to look at' }
}

const reflexive: ReadonlyMap<string, boolean> = new Map([
  ['_==_', true],
  ['_<=_', true],
  ['_>=_', true],
  ['_!=_', false],
  ['_<_', false],
  ['_>_', false],
])

function sameOperands(subject: LintSubject, { name, args }: CallExpr): Reason | undefined {
  const value = reflexive.get(name)
  const [left, right] = args
  if (value === undefined || left === undefined || right === undefined || isLiteral(left)) return undefined
  if (subject.shapes.of(left) !== subject.shapes.of(right)) return undefined
  // NaN is not equal to itself: so authors ask for it.
  if (subject.typeOf(left).kind === 'double') return undefined
  return { value, why: 'both sides are the same', hint: 'compare with something else' }
}

/** `size(x) >= 0`, `x in []`, `t.getMonth() == 12`. */
function outOfRange(subject: LintSubject, node: CallExpr): Reason | undefined {
  for (const value of [true, false]) {
    const { value: compared, demand } = constraintOf(subject, node, value)
    if (compared === node) continue
    const range = demandsOnAll(compared)
    const empty = demand.kind === 'one of' && demand.values.length === 0
    if (!empty && (range.length === 0 || !contradict([demand, ...range]))) continue
    const why = empty ? 'the list is empty' : `${subject.quote(compared)} is ${rangeText(range)}`
    return { value, why }
  }
  return undefined
}

function rangeText(range: ReturnType<typeof demandsOnAll>): string {
  return range.map(demand => ('limit' in demand ? `${demand.kind} ${demand.limit}` : '')).join(' and ')
}

/** Of `&&`: no value meets all. Of `||`: none meets none. */
function ofChain(subject: LintSubject, node: CallExpr): Reason | undefined {
  const or = node.name === '_||_'
  const byShape = new Map<number, Constraint[]>()
  for (const operand of node.args) {
    if (isLiteral(operand)) continue
    const constraint = constraintOf(subject, operand, or)
    byShape.set(constraint.shape, [...(byShape.get(constraint.shape) ?? []), constraint])
  }
  for (const constraints of byShape.values()) {
    const [first] = constraints
    const range = first === undefined ? [] : demandsOnAll(first.value)
    const last = constraints.findIndex((_, i) =>
      contradict([...constraints.slice(0, i + 1).map(({ demand }) => demand), ...range]),
    )
    const culprit = constraints[last]
    if (first === undefined || culprit === undefined) continue
    const others = constraints.slice(0, last).map(constraint => subject.quote(constraint.node))
    const pair = [...others.slice(-2), subject.quote(culprit.node)].join(or ? ' or ' : ' and ')
    return or
      ? {
          value: true,
          why: `${pair} is true of every value`,
          hint: 'for "none of these" join with &&, or write !(x in […])',
        }
      : { value: false, why: `${pair} cannot be true at once`, hint: 'for "one of these" join with ||' }
  }
  return undefined
}

/** `true` and `false` where a condition is asked for. */
function reportLiterals(subject: LintSubject, inside: ReadonlySet<number>): void {
  const check = (operand: Expr | undefined, what: string) => {
    if (operand?.kind !== 'literal' || operand.literal.type !== 'bool' || inside.has(operand.id)) return
    report(subject, operand, operand.literal.value, what, 'remove it, or write the condition that was meant')
  }
  walk(subject.expr, node => {
    if (node.kind === 'comprehension' && node.macro === 'all') check(node.body, 'it does not look at the elements')
    if (node.kind !== 'call' || node.target !== undefined || inside.has(node.id)) return
    if (node.name === '_&&_' || node.name === '_||_') {
      for (const operand of node.args) check(operand, 'as a part of a chain it decides all, or nothing')
    }
    if (node.name === '_?_:_') check(node.args[0], 'so one of the branches is never taken')
  })
}
