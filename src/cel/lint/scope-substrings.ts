import type { CallExpr, Expr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import { type LintSubject, textOf } from './lint-subject.js'

/**
 * Scopes are compared whole (RFC 6749, section 3.3). A part of the text `read rewrite` is `write`; the beginning of it may
 * be that of another scope. Of one scope a beginning with a separator is meant: `s.startsWith('files:')`.
 */
export function scopeSubstrings(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'call' || node.target === undefined) return
    const part = textOf(node.args[0])
    const scopes = scopesOf(subject, node.target)
    if (scopes === undefined || part === undefined || !takesPart(node, part, scopes)) return
    const scope = part.replaceAll(/[^\w:./-]/g, '').slice(0, 40)
    const hint = scope === '' ? 'compare whole scopes: … in scopes' : `write '${scope}' in scopes`
    subject.report('scope-substring', node, `this is true of other scopes, too, that only hold the text`, hint)
  })
}

/** What leaves a text as it is, or nearly. */
const conversions: ReadonlySet<string> = new Set(['string', 'lowerAscii', 'upperAscii', 'trim'])

function scopesOf(subject: LintSubject, node: Expr): 'several' | 'one' | undefined {
  let from = node
  while (from.kind === 'call' && conversions.has(from.name)) {
    const inner: Expr | undefined = from.target ?? from.args[0]
    if (inner === undefined) break
    from = inner
  }
  return subject.factsOf(from)?.scopes
}

function takesPart({ name }: CallExpr, part: string, scopes: 'several' | 'one'): boolean {
  switch (name) {
    case 'contains':
      return scopes === 'several' || /^\w+$/.test(part)
    case 'startsWith':
    case 'endsWith':
    case 'indexOf':
    case 'lastIndexOf':
      return scopes === 'several'
    case 'matches':
      return !/^(\^|\(\?:\^|\(\^)/.test(part) || !/(\$|\$\))$/.test(part) ? !isBetweenBlanks(part) : false
    default:
      return false
  }
}

/** `(^| )write( |$)` asks for the whole scope. */
function isBetweenBlanks(pattern: string): boolean {
  return /^\((\?:)?\^\|( |\\s)\)/.test(pattern) && /\((\?:)?( |\\s)\|\$\)$/.test(pattern)
}
