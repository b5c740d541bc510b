import type { Expr } from './ast.js'
import { measureSource } from './characters.js'
import type { MacroSets } from './macros.js'
import { defaultParseLimits, mostDepth, type ParseLimits } from './parse-limits.js'
import { parseTokens } from './parser.js'
import { type SyntaxIssue, SyntaxIssues } from './syntax-issue.js'
import { walk } from './walk.js'

export interface ParseOptions {
  readonly limits?: Partial<ParseLimits>
  readonly macros?: MacroSets
  /** Whether messages (`Object.metadata{labels: …}`) may be written. Default: true. */
  readonly messages?: boolean
}

export type ParsedExpression =
  | { readonly ok: true; readonly expr: Expr; readonly nodes: number }
  | { readonly ok: false; readonly errors: readonly SyntaxIssue[] }

/**
 * Source → tree, or what is wrong with it: at least one issue, several where reading could go on, in the order of the
 * source. All of CEL (cel-spec langdef "Syntax"), as cel-go reads it. Knows nothing of declarations and types. Takes time
 * linear in the source and never throws.
 */
export function parseExpression(source: string, options: ParseOptions = {}): ParsedExpression {
  const limits = { ...defaultParseLimits, ...options.limits }
  const unfit = checkSource(source, limits)
  if (unfit !== undefined) return { ok: false, errors: [unfit] }
  const issues = new SyntaxIssues()
  const expr = parseTokens(source, issues, {
    depth: Math.min(limits.depth, mostDepth),
    nodes: limits.nodes,
    macros: options.macros ?? {},
    messages: options.messages ?? true,
  })
  if (expr === undefined || issues.list.length > 0) {
    return { ok: false, errors: [...issues.list].sort((a, b) => a.at - b.at) }
  }
  return { ok: true, expr, nodes: number(expr) }
}

function checkSource(source: string, limits: ParseLimits): SyntaxIssue | undefined {
  const measured = source.length > limits.bytes ? { bytes: source.length } : measureSource(source)
  if ('unpaired' in measured) return { at: measured.unpaired, message: 'the source is not well-formed Unicode' }
  if (measured.bytes <= limits.bytes) return undefined
  return { at: 0, message: `the expression is longer than ${limits.bytes} bytes`, hint: 'split it into variables' }
}

/** Gives the nodes their ids; returns how many there are. */
function number(expr: Expr): number {
  let count = 0
  walk(expr, node => {
    const numbered: { id: number } = node
    count++
    numbered.id = count
  })
  return count
}
