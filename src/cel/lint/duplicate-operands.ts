import { walk } from '../syntax/walk.js'
import { isLiteral, type LintSubject } from './lint-subject.js'

/** One of two like conditions was most likely meant to be another. */
export function duplicateOperands(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.target !== undefined) return
    const { name, args } = node
    if (name === '_&&_' || name === '_||_') {
      const seen = new Set<number>()
      const reported = new Set<number>()
      for (const operand of args) {
        const shape = subject.shapes.of(operand)
        if (seen.has(shape) && !reported.has(shape) && !isLiteral(operand)) {
          reported.add(shape)
          subject.report(
            'duplicate-operand',
            operand,
            `${subject.quote(operand)} stands twice in this chain`,
            'remove one, or write what was meant',
          )
        }
        seen.add(shape)
      }
    }
    const [, yes, no] = args
    if (name !== '_?_:_' || yes === undefined || no === undefined) return
    if (subject.shapes.of(yes) !== subject.shapes.of(no)) return
    subject.report('duplicate-operand', node, 'both branches are the same, so the condition does not matter')
  })
}
