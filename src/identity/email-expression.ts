import type { CelProgram } from '../cel/environment.js'
import type { Expr } from '../cel/syntax/ast.js'
import { parseExpression } from '../cel/syntax/parse-expression.js'
import { children, walk } from '../cel/syntax/walk.js'
import { kubernetesClaimsEnvironment } from './expressions.js'

/**
 * Whether an expression over claims may read `claims.email`. Errs on the side of yes, because a yes only asks for a check of
 * `email_verified`: any member and any text of that name counts, and so does a claim whose name is computed
 * (`claims[x]`, `claims.map(…)`). The API server looks for `claims.email` in the syntax tree alone.
 */
export function readsEmail(source: string): boolean {
  if (source === '') return false
  const program = compiled(source)
  const parsed = parseExpression(source)
  if (program === undefined || !parsed.ok) return true
  return program.members.some(({ name }) => name === 'email') || mentionsEmail(parsed.expr)
}

/**
 * Whether an expression reads `claims.email_verified`, in one of the forms of a member: `claims.?email_verified`,
 * `claims['email_verified']`, `has(…)`.
 */
export function readsEmailVerified(source: string): boolean {
  const members = compiled(source)?.members ?? []
  return members.some(({ name, of }) => name === 'email_verified' && of.length === 1 && of[0] === 'claims')
}

/** What does not compile is refused elsewhere. */
function compiled(source: string): CelProgram | undefined {
  const result = kubernetesClaimsEnvironment.compile(source)
  return result.ok ? result.program : undefined
}

function mentionsEmail(expr: Expr): boolean {
  let found = isClaims(expr)
  walk(expr, node => {
    found ||=
      isText(node, 'email') || children(node).some((child, index) => isClaims(child) && !namesClaim(node, index))
    return undefined
  })
  return found
}

function isClaims(expr: Expr): boolean {
  return expr.kind === 'ident' && expr.name === 'claims'
}

function isText(expr: Expr | undefined, text?: string): boolean {
  if (expr?.kind !== 'literal' || expr.literal.type !== 'string') return false
  return text === undefined || expr.literal.value === text
}

/** Whether a node takes of the claims, which are its child at the index, nothing but one that it names. */
function namesClaim(node: Expr, index: number): boolean {
  if (node.kind === 'select') return true
  if (node.kind !== 'call' || node.target !== undefined) return false
  if (node.name === '@in') return index === 1
  return index === 0 && (node.name === '_[_]' || node.name === '_[?_]') && isText(node.args[1])
}
