import type { Expr } from '../syntax/ast.js'
import { asSortBy, sortInput } from '../syntax/macros.js'
import { walk } from '../syntax/walk.js'
import type { LintSubject } from './lint-subject.js'

/** Of two variables one may be unused: to get at the value, the key must be named too. */
export function unusedVariables(subject: LintSubject): void {
  walk(subject.expr, node => {
    const { names, parts } = declaredBy(node)
    if (names.length === 0 || names.some(name => exempt(name) || parts.some(part => reads(part, name)))) return
    const quoted = names.map(name => `'${name}'`).join(' and ')
    const many = names.length > 1
    subject.report(
      'unused-variable',
      node,
      `${quoted} ${many ? 'are' : 'is'} never read: each round does the same`,
      `read ${many ? 'one of them' : 'it'}, or let the name begin with _`,
    )
  })
}

const exempt = (name: string): boolean => name.startsWith('_') || name === sortInput

interface Declared {
  readonly names: readonly string[]
  /** Where they can be read. */
  readonly parts: readonly Expr[]
}

const nothing: Declared = { names: [], parts: [] }

function declaredBy(node: Expr): Declared {
  switch (node.kind) {
    case 'comprehension':
      return { names: node.variables, parts: [node.filter, node.body].filter(part => part !== undefined) }
    case 'bind':
      return asSortBy(node) === undefined ? { names: [node.variable], parts: [node.body] } : nothing
    case 'optional_map':
      return { names: [node.variable], parts: [node.body] }
    default:
      return nothing
  }
}

/** Whether the name is read here, and not another of the same name. */
function reads(part: Expr, name: string): boolean {
  let found = false
  const pending = [part]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    walk(next, node => {
      if (node.kind === 'ident' && node.name === name && !node.root) found = true
      if (!declaredBy(node).names.includes(name)) return undefined
      // Only what the other one goes through is outside of its reach.
      if (node.kind === 'comprehension') pending.push(node.range)
      else if (node.kind === 'bind') pending.push(node.init)
      else if (node.kind === 'optional_map') pending.push(node.operand)
      return 'skip'
    })
  }
  return found
}
