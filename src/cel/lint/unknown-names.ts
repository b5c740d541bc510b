import { didYouMean } from '../../documents/did-you-mean.js'
import type { CallExpr, Expr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import { type LintSubject, textOf } from './lint-subject.js'

/** Members and values that are spelt as none that can be there. */
export function unknownNames(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind === 'select') checkMember(subject, node.operand, node.field, node)
    if (node.kind !== 'call' || node.target !== undefined) return
    const [left, right] = node.args
    if (left === undefined || right === undefined) return
    switch (node.name) {
      case '_[_]':
      case '_[?_]':
        checkMember(subject, left, textOf(right), right)
        return
      case '@in':
        checkMember(subject, right, textOf(left), left)
        for (const item of right.kind === 'list' ? right.elements : []) checkValue(subject, left, item.value, node)
        return
      case '_==_':
      case '_!=_':
        checkValue(subject, left, right, node)
        checkValue(subject, right, left, node)
        return
      default:
        return
    }
  })
}

function checkMember(subject: LintSubject, of: Expr, name: string | undefined, node: Expr): void {
  const members = name === undefined ? undefined : subject.factsOf(of)?.members
  if (name === undefined || members === undefined || members.includes(name)) return
  subject.report(
    'unknown-member',
    node,
    `${subject.pathOf(of) ?? 'this'} never has a member "${name}"`,
    suggest(name, members),
  )
}

/** Only what is compared with is reported where it stands: operators have a place of their own. */
function checkValue(subject: LintSubject, of: Expr, literal: Expr, call: CallExpr): void {
  const value = textOf(literal)
  const values = value === undefined ? undefined : subject.factsOf(of)?.values
  if (value === undefined || values === undefined || values.includes(value)) return
  const never = call.name === '_!=_' ? 'so this is always true' : 'so they are never equal'
  subject.report(
    'unknown-value',
    literal,
    `${subject.pathOf(of) ?? 'this'} is never "${value}", ${never}`,
    suggest(value, values),
  )
}

function suggest(word: string, known: readonly string[]): string {
  const meant = didYouMean(word, known)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return known.length === 0 ? 'there are none' : `there are: ${known.join(', ')}`
}
