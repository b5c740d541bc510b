import type { ComprehensionExpr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import type { LintSubject } from './lint-subject.js'

/** What costs more than an evaluation has, for inputs that nobody would wonder about: it is an error then, and denies. */
export function costly(subject: LintSubject): void {
  const { expr, context } = subject
  const { costOf, budget } = context
  const cost = costOf?.(expr)
  if (costOf === undefined || budget === undefined || cost === undefined || cost <= budget) return
  // By itself a macro is estimated without the conditions around it, which is enough to find the one that costs most.
  let worst: { readonly node: ComprehensionExpr; readonly cost: number } | undefined
  walk(expr, node => {
    if (node.kind !== 'comprehension') return undefined
    const own = costOf(node) ?? 0
    if (worst === undefined || own > worst.cost) worst = { node, cost: own }
    return 'skip'
  })
  const units = (number: number) => number.toLocaleString('en-US')
  subject.report(
    'costly',
    worst?.node ?? expr,
    `a large input makes this cost ${units(cost)} units, and an evaluation has ${units(budget)}`,
    worst === undefined
      ? 'test the size of what it looks at first: size(x) <= 1000 && …'
      : `test the size first: size(${subject.quote(worst.node.range)}) <= 10 && …`,
  )
}
