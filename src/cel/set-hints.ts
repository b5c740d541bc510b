import { kubernetesSets, type LibrarySet, librarySets, rulesOf, type SetMacro } from './library-sets.js'
import type { CallExpr, Expr } from './syntax/ast.js'
import { asSortBy } from './syntax/macros.js'
import type { SyntaxIssue } from './syntax/syntax-issue.js'
import { walk } from './syntax/walk.js'
import { chainOf, dottedName } from './types/check-names.js'
import type { TypeIssue } from './types/check-session.js'
import { parseSignature } from './types/parse-signature.js'

/** The first macro of an expression that the set does not have. */
export function checkMacros(expr: Expr, source: string, set: LibrarySet): SyntaxIssue | undefined {
  const { macros } = rulesOf(set)
  let issue: SyntaxIssue | undefined
  walk(expr, node => {
    const used = issue === undefined ? macroOf(node, source) : undefined
    if (used === undefined || macros.has(used.macro)) return undefined
    const hint = offered(other => rulesOf(other).macros.has(used.macro))
    issue = { at: node.at, message: `${used.text} is not in ${set}`, ...(hint !== undefined && { hint }) }
    return undefined
  })
  return issue
}

function macroOf(node: Expr, source: string): { readonly macro: SetMacro; readonly text: string } | undefined {
  if (node.kind === 'bind') {
    return asSortBy(node) === undefined
      ? { macro: 'cel.bind', text: 'cel.bind()' }
      : { macro: 'sortBy', text: 'sortBy()' }
  }
  if (node.kind !== 'comprehension') return undefined
  if (node.variables.length < 2) {
    // The tree does not tell the two names apart; they stand right before the bracket that the node is at.
    const named = node.macro === 'exists_one' && source.slice(0, node.at).endsWith('existsOne')
    return named ? { macro: 'existsOne', text: 'existsOne() with one variable' } : undefined
  }
  return { macro: 'two variables', text: `${node.macro}() with two variables` }
}

/** Which sets have the function that an issue calls undeclared, if any has. */
export function otherSetHint(expr: Expr, issue: TypeIssue): string | undefined {
  if (!issue.message.startsWith('undeclared reference')) return undefined
  let hint: string | undefined
  walk(expr, node => {
    if (hint === undefined && node.kind === 'call' && node.name !== '') hint = hintAt(node, issue.id)
    return undefined
  })
  return hint
}

/** The issue is at the call, or at the name that stands before it: `math` in `math.abs(x)`. */
function hintAt(call: CallExpr, id: number): string | undefined {
  const chain = call.target === undefined ? undefined : chainOf(call.target)
  if (call.id !== id && chain?.root.id !== id) return undefined
  const prefix = chain && dottedName(chain, 8)
  const dotted = prefix === undefined ? undefined : offered(set => names(set).has(`${prefix}.${call.name}`))
  if (dotted !== undefined || call.id !== id) return dotted
  const written = call.target === undefined ? call.name : `.${call.name}`
  return offered(set => names(set).has(written))
}

const namesBySet = new Map<LibrarySet, ReadonlySet<string>>()

/** Functions of a set by name; methods with a dot before it. */
function names(set: LibrarySet): ReadonlySet<string> {
  const known = namesBySet.get(set)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const { id, signature } of librarySets[set].flatMap(library => library.functions)) {
    const { name, member } = parseSignature(id, signature)
    found.add(member ? `.${name}` : name)
  }
  namesBySet.set(set, found)
  return found
}

/** In which sets something is; undefined if in none. What Kubernetes has it does not take back. */
function offered(has: (set: LibrarySet) => boolean): string | undefined {
  const since = kubernetesSets.find(has)
  const places = since === undefined ? [] : [since === kubernetesSets.at(-1) ? since : `${since} and later`]
  if (has('mcp-authz/v1')) places.push('mcp-authz/v1')
  return places.length === 0 ? undefined : `it is in ${places.join(', and in ')}`
}
