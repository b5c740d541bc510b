import type { CallExpr, Expr, Literal } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import { constraintOf } from './constraints.js'
import type { KnownKind } from './lint-context.js'
import type { LintSubject } from './lint-subject.js'

const comparisons: ReadonlySet<string> = new Set(['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_'])

/** What the checker lets pass because a side is `dyn`, and what is never equal all the same. */
export function disjointComparisons(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.target !== undefined) return
    if (comparisons.has(node.name)) checkKinds(subject, node)
    if (node.name === '@in') checkElements(subject, node)
    if (node.name === '_||_') checkChain(subject, node)
  })
}

/** `request.time > '2030-01-01'`. */
function checkKinds(subject: LintSubject, { name, args, ...node }: CallExpr): void {
  const [left, right] = args
  const kinds = [left, right].map(side => side && subject.kindOf(side))
  const [a, b] = kinds
  if (left === undefined || right === undefined || a === undefined || b === undefined || a === b) return
  const effect =
    name === '_==_' ? 'they are never equal' : name === '_!=_' ? 'they are never equal' : 'comparing them fails'
  const [side, kind, other] = isWritten(left) ? [right, b, a] : [left, a, b]
  subject.report(
    'disjoint-comparison',
    node,
    `${subject.quote(side)} is ${described[kind]}, and what it is compared with ${described[other]}: ${effect}`,
    conversion(subject, side, kind, other),
  )
}

const isWritten = (node: Expr): boolean => node.kind === 'literal' || node.kind === 'list' || node.kind === 'map'

const described: Readonly<Record<KnownKind, string>> = {
  text: 'a text',
  number: 'a number',
  bool: 'a bool',
  list: 'a list',
  map: 'a map',
  timestamp: 'a timestamp',
}

function conversion(subject: LintSubject, side: Expr, kind: KnownKind, other: KnownKind): string | undefined {
  if (kind === 'timestamp' && other === 'text') return "write timestamp('2030-01-31T00:00:00Z')"
  if (kind === 'list' && other === 'text') return `write … in ${subject.quote(side)}`
  if (kind === 'text' && other === 'number') return `write int(${subject.quote(side)})`
  return undefined
}

function checkElements(subject: LintSubject, { args }: CallExpr): void {
  const [value, list] = args
  const kind = value && subject.kindOf(value)
  if (kind === undefined || value === undefined || list?.kind !== 'list') return
  for (const { value: element } of list.elements) {
    const other = subject.kindOf(element)
    if (other === undefined || other === kind || subject.typeOf(value).kind !== 'dyn') continue
    const sides = `${subject.quote(value)} is ${described[kind]}, and this is ${described[other]}`
    subject.report('disjoint-comparison', element, `${sides}: they are never equal`)
    return
  }
}

/**
 * `x == 80 || x == 'https'`: a value has one type. The same number as a text is an author who knows that callers write
 * both, and so is one who asks for the type.
 */
function checkChain(subject: LintSubject, chain: CallExpr): void {
  const compared = new Map<number, { readonly value: Literal; readonly node: Expr }[]>()
  for (const operand of chain.args) {
    const { demand, shape, value, node } = constraintOf(subject, operand, false)
    if (demand.kind !== 'one of' || value === node) continue
    for (const one of demand.values) compared.set(shape, [...(compared.get(shape) ?? []), { value: one, node }])
  }
  for (const all of compared.values()) {
    const [first] = all
    const classes = new Set(all.map(({ value }) => classOf(value)).filter(one => one !== 'null'))
    const odd = all.find(({ value }) => first !== undefined && classOf(value) !== classOf(first.value))
    if (first === undefined || odd === undefined || classes.size < 2 || sameInTexts(all.map(one => one.value))) continue
    subject.report(
      'disjoint-comparison',
      odd.node,
      `${subject.quote(odd.node)} is of another type than ${subject.quote(first.node)}: a value is never both`,
      'write all in the type that the value has',
    )
  }
}

function classOf({ type }: Literal): string {
  return type === 'uint' || type === 'double' ? 'int' : type
}

/** Whether each value of the rarer type is the spelling of one of the other. */
function sameInTexts(values: readonly Literal[]): boolean {
  const textOf = (value: Literal) => ('value' in value ? String(value.value) : 'null')
  const texts = new Set(values.filter(({ type }) => type === 'string').map(textOf))
  const others = new Set(values.filter(({ type }) => type !== 'string').map(textOf))
  const [few, many] = texts.size <= others.size ? [texts, others] : [others, texts]
  return few.size > 0 && [...few].every(text => many.has(text))
}
