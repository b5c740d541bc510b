import { didYouMean } from '../../documents/did-you-mean.js'
import type { Expr, IdentExpr, SelectExpr } from '../syntax/ast.js'
import { type CheckEnvironment, type CheckSession, longestMessageName, type Reference } from './check-session.js'
import type { Type } from './type.js'

/** The names that a name may stand for: from the innermost namespace of the container to the root. */
export function candidateNames(env: CheckEnvironment, name: string, root: boolean): string[] {
  if (root || env.container === undefined || env.container === '') return [name]
  const parts = env.container.split('.')
  return [...parts.map((_, i) => `${parts.slice(0, parts.length - i).join('.')}.${name}`), name]
}

interface Found {
  readonly reference: Reference
  readonly type: Type
}

/** A variable or a type by its name, which may be dotted. Variables go before types, inner namespaces before outer. */
function lookUp(env: CheckEnvironment, name: string, root: boolean): Found | undefined {
  for (const candidate of candidateNames(env, name, root)) {
    const variable = env.variables.get(candidate)
    if (variable !== undefined) return { reference: { kind: 'variable', name: candidate }, type: variable }
    const type = typeNamed(env, candidate)
    if (type !== undefined) return { reference: { kind: 'type', type }, type: { kind: 'type', of: type } }
  }
  return undefined
}

function typeNamed(env: CheckEnvironment, name: string): Type | undefined {
  const known = env.functions.types.get(name)
  if (known !== undefined) return known
  return env.messages?.(name) === undefined ? undefined : { kind: 'message', name }
}

/** An object type by the name that a literal calls it by. */
export function messageNamed(env: CheckEnvironment, name: string): string | undefined {
  return candidateNames(env, name, false).find(candidate => env.messages?.(candidate) !== undefined)
}

/** A name and the selects above it, from the name outwards: what could be a dotted name. */
export interface Chain {
  readonly root: IdentExpr
  readonly selects: readonly SelectExpr[]
}

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The plain selects that an expression ends with, from the inside out, and what stands before them. */
export function selectsOf(expr: Expr): { readonly base: Expr; readonly selects: readonly SelectExpr[] } {
  const selects: SelectExpr[] = []
  let node = expr
  while (node.kind === 'select' && !node.test && !node.optional && plainName.test(node.field)) {
    selects.push(node)
    node = node.operand
  }
  return { base: node, selects: selects.reverse() }
}

/** An expression that could be a dotted name. */
export function chainOf(expr: Expr): Chain | undefined {
  const { base, selects } = selectsOf(expr)
  return base.kind === 'ident' ? { root: base, selects } : undefined
}

/** `a.b.c` of a chain; undefined if it is longer than any declared name. */
export function dottedName(chain: Chain, longest: number): string | undefined {
  if (chain.selects.length >= longest) return undefined
  return [chain.root.name, ...chain.selects.map(select => select.field)].join('.')
}

/**
 * Resolves the longest beginning of a chain that is declared, notes its type and reference at the node where it ends, and
 * returns the selects above: those are fields. A local variable hides declared names that begin with it. `method` is what
 * is called on the chain, if anything is.
 */
export function resolveChain(session: CheckSession, chain: Chain, method: string | undefined): readonly SelectExpr[] {
  const { root, selects } = chain
  const local = root.root ? undefined : session.local(root.name)
  if (local !== undefined) {
    session.setType(root, local)
    return selects
  }
  const names = [root.name]
  for (const select of selects.slice(0, session.longestName - 1)) names.push(`${names.at(-1)}.${select.field}`)
  for (let end = names.length - 1; end >= 0; end--) {
    const found = lookUp(session.env, names[end] ?? '', root.root)
    if (found === undefined) continue
    const node = end === 0 ? root : (selects[end - 1] ?? root)
    session.setType(node, found.type)
    session.references.set(node.id, found.reference)
    if (found.reference.kind === 'variable') session.variables.add(found.reference.name)
    return selects.slice(end)
  }
  session.setType(root, { kind: 'error' })
  reportUndeclared(session, chain, method)
  return selects
}

/** Of `maths.greatest(1)` the whole is reported: it looks like a function in a namespace, as no method has the name. */
function reportUndeclared(session: CheckSession, chain: Chain, method: string | undefined): void {
  const { functions } = session.env.functions
  const prefix = dottedName(chain, longestMessageName)
  if (method !== undefined && prefix !== undefined && !functions.get(method)?.some(({ member }) => member)) {
    session.report(
      chain.root,
      `undeclared reference to '${prefix}.${method}'`,
      methodHint(session, chain, `${prefix}.${method}`),
    )
    return
  }
  session.report(chain.root, `undeclared reference to '${chain.root.name}'`, nameHint(session, chain))
}

function methodHint(session: CheckSession, chain: Chain, written: string): string | undefined {
  if (written === 'cel.bind') return 'write cel.bind(x, value, result)'
  const near = didYouMean(written, session.env.functions.functions.keys())
  return near === undefined ? nameHint(session, chain) : `did you mean '${near}'?`
}

/** How many names a hint lists. */
const most = 12

function nameHint(session: CheckSession, chain: Chain): string | undefined {
  const { env } = session
  const { name } = chain.root
  if (env.functions.functions.has(name)) return `'${name}' is a function: call it, as in ${name}(…)`
  const declared = [...session.localNames(), ...env.variables.keys(), ...env.functions.types.keys()]
  const longer = declared.filter(other => other.startsWith(`${name}.`))
  if (longer.length > 0) return `declared are: ${longer.slice(0, most).join(', ')}`
  const written = dottedName(chain, longestMessageName) ?? name
  const near = [name, written].map(text => (text.length > 1 ? didYouMean(text, declared) : undefined)).find(Boolean)
  if (near !== undefined) return `did you mean '${near}'?`
  const variables = [...session.localNames(), ...env.variables.keys()].slice(0, most)
  return variables.length === 0 ? undefined : `declared are: ${variables.join(', ')}`
}
