import type { Expr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import { isLiteral, type LintSubject } from './lint-subject.js'

/** Lists are counted from 0, and not from the end. */
export function constantIndex(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.target !== undefined) return
    const [of, index] = node.args
    if ((node.name !== '_[_]' && node.name !== '_[?_]') || of === undefined || index === undefined) return
    const number = integerOf(index)
    if (number !== undefined && number < 0n && subject.kindOf(of) !== 'map' && of.kind !== 'map') {
      const text = subject.quote(of)
      const hint = number === -1n ? `the last element is ${text}[size(${text}) - 1]` : 'count from 0'
      subject.report('constant-index', index, 'an index is never negative, so this fails', hint)
      return
    }
    if (of.kind === 'list' && number !== undefined && !of.elements.some(element => element.optional)) {
      const { length } = of.elements
      if (number < BigInt(length)) return
      subject.report(
        'constant-index',
        index,
        `the list has ${length} element${length === 1 ? '' : 's'}, so there is none at ${number}`,
        'the first one is at 0',
      )
    }
    if (of.kind !== 'map' || !isLiteral(index) || of.entries.some(({ key, optional }) => optional || !isLiteral(key))) {
      return
    }
    if (of.entries.some(({ key }) => subject.shapes.of(key) === subject.shapes.of(index))) return
    // 1 and 1u are one key.
    if (number !== undefined && of.entries.some(({ key }) => integerOf(key) === number)) return
    subject.report('constant-index', index, `the map has no key ${subject.quote(index)}`)
  })
}

function integerOf(node: Expr): bigint | undefined {
  if (node.kind !== 'literal') return undefined
  const { literal } = node
  return literal.type === 'int' || literal.type === 'uint' ? literal.value : undefined
}
