import { walk } from '../syntax/walk.js'
import { type LintSubject, textOf } from './lint-subject.js'

const textMethods: ReadonlySet<string> = new Set([
  'contains',
  'startsWith',
  'endsWith',
  'matches',
  'lowerAscii',
  'upperAscii',
])

/** What the checker would refuse if it knew the types of members, as an author can. */
export function wrongKinds(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind === 'comprehension') {
      const kind = subject.kindOf(node.range)
      if (kind === undefined || kind === 'list' || kind === 'map') return
      subject.report('wrong-kind', node, `${subject.quote(node.range)} is no list, so ${node.macro}() fails`)
    }
    if (node.kind !== 'call') return
    if (node.target !== undefined && textMethods.has(node.name)) {
      const kind = subject.kindOf(node.target)
      if (kind === undefined || kind === 'text' || subject.typeOf(node.target).kind !== 'dyn') return
      const list = subject.quote(node.target)
      const [item] = node.args
      const hint =
        kind !== 'list' || item === undefined
          ? undefined
          : node.name === 'contains'
            ? `write ${subject.quote(item)} in ${list}`
            : `test its elements: ${list}.exists(x, x.${node.name}(${subject.quote(item)}))`
      subject.report('wrong-kind', node, `${list} is no text, so ${node.name}() fails`, hint)
    }
    const [left, right] = node.args
    if (node.name !== '@in' || left === undefined || right === undefined) return
    const kind = subject.kindOf(right)
    if (kind === undefined || kind === 'list' || kind === 'map' || subject.typeOf(right).kind !== 'dyn') return
    const text = subject.quote(right)
    const hint = textOf(left) === undefined ? `write ${text} == …` : `write ${text} == ${subject.quote(left)}`
    subject.report('wrong-kind', node, `${text} is neither a list nor a map, so "in" fails`, hint)
  })
}
