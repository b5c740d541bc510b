import type { Expr } from '../../src/cel/syntax/ast.js'
import { describeIssue } from '../../src/cel/syntax/describe-issue.js'
import type { ParsedExpression } from '../../src/cel/syntax/parse-expression.js'
import { positionAt } from '../../src/cel/syntax/position-at.js'
import { children, walk } from '../../src/cel/syntax/walk.js'
import type { Engine } from './engine.js'
import type { Judged } from './fuzz-case.js'
import { fastestMs, loadMs } from './time-bounds.js'

/** The lexer, by what the parser tells of it: places lie in the source, and messages can be shown. */
export function judgeLexer(source: string, engine: Engine): Judged {
  const parsed = engine.parse(source)
  const outcome = parsed.ok ? 'read' : 'refused'
  if (parsed.ok) return { outcome }
  if (parsed.errors.length === 0) return { outcome, problem: 'refused without a reason' }
  for (const issue of parsed.errors) {
    if (!(issue.at >= 0 && issue.at <= source.length)) return { outcome, problem: `an issue at ${issue.at}` }
    const { line, column } = positionAt(source, issue.at)
    if (line < 1 || column < 1) return { outcome, problem: `an issue at ${line}:${column}` }
    if (issue.message === '' || describeIssue(source, issue) === '')
      return { outcome, problem: 'an issue says nothing' }
  }
  return { outcome }
}

/** The parser: the same answer each time, within its time; ids in order, places in the source. */
export function judgeParser(source: string, engine: Engine): Judged {
  const parsed = engine.parse(source)
  const outcome = parsed.ok ? 'parsed' : 'refused'
  const took = fastestMs(loadMs, () => engine.parse(source))
  if (took > loadMs) return { outcome, problem: `took ${took.toFixed(0)} ms` }
  if (outlineOf(engine.parse(source)) !== outlineOf(parsed))
    return { outcome, problem: 'another answer the second time' }
  engine.parse(source, {
    messages: false,
    macros: { optionals: false, twoVariable: false, bind: false, sortBy: false },
  })
  if (!parsed.ok) return { outcome }
  let id = 0
  let problem: string | undefined
  walk(parsed.expr, node => {
    id++
    if (node.id !== id) problem ??= `node ${id} has the id ${node.id}`
    if (!(node.at >= 0 && node.at <= source.length)) problem ??= `a node at ${node.at}`
  })
  if (parsed.nodes !== id) problem ??= `${id} nodes, counted as ${parsed.nodes}`
  return problem === undefined ? { outcome } : { outcome, problem }
}

/** The formatter: what it writes is the same tree, and written the same again, in one line as in many. */
export function judgeFormatter(source: string, engine: Engine): Judged {
  const parsed = engine.parse(source)
  if (!parsed.ok) {
    return engine.format(source) === source
      ? { outcome: 'refused' }
      : { outcome: 'refused', problem: 'changed what does not parse' }
  }
  const took = fastestMs(loadMs, () => engine.format(parsed.expr))
  if (took > loadMs) return { outcome: 'formatted', problem: `took ${took.toFixed(0)} ms` }
  const tree = outlineOf(parsed)
  for (const width of [undefined, 20, Number.POSITIVE_INFINITY]) {
    const options = width === undefined ? {} : { width }
    const text = engine.format(parsed.expr, options)
    // The canonical form may be longer than what it was made of.
    const again = engine.parse(text, { limits: { bytes: 10_000_000, depth: 250, nodes: 1_000_000 } })
    if (!again.ok)
      return { outcome: 'formatted', problem: `does not parse any more (width ${width}): ${text.slice(0, 500)}` }
    if (outlineOf(again) !== tree)
      return { outcome: 'formatted', problem: `another tree (width ${width}): ${text.slice(0, 500)}` }
    if (engine.format(again.expr, options) !== text) {
      return { outcome: 'formatted', problem: `another form the second time (width ${width}): ${text.slice(0, 500)}` }
    }
  }
  engine.format(source)
  return { outcome: 'formatted' }
}

/** A tree without its places, or the issues, as text that can be compared; not recursive. */
function outlineOf(parsed: ParsedExpression): string {
  if (!parsed.ok) return JSON.stringify(parsed.errors)
  const lines: string[] = []
  walk(parsed.expr, node => {
    lines.push(`${ownText(node)}/${children(node).length}`)
  })
  return lines.join('\n')
}

function ownText(node: Expr): string {
  switch (node.kind) {
    case 'literal':
      return `${node.literal.type} ${literalText(node.literal)}`
    case 'ident':
      return `ident ${node.root} ${node.name}`
    case 'select':
      return `select ${node.test} ${node.optional} ${node.field}`
    case 'call':
      return `call ${node.target !== undefined} ${node.name}`
    case 'list':
      return `list ${node.elements.map(({ optional }) => optional)}`
    case 'map':
      return `map ${node.entries.map(({ optional }) => optional)}`
    case 'message':
      return `message ${node.type} ${node.fields.map(({ name, optional }) => [name, optional])}`
    case 'comprehension':
      return `${node.macro} ${node.variables} ${node.filter !== undefined} ${node.body !== undefined}`
    case 'bind':
      return `bind ${node.variable}`
    case 'optional_map':
      return `optional_map ${node.flat} ${node.variable}`
  }
}

function literalText(literal: Extract<Expr, { kind: 'literal' }>['literal']): string {
  if (literal.type === 'null') return ''
  if (literal.type === 'string') return JSON.stringify(literal.value)
  return Object.is(literal.value, -0) ? '-0' : String(literal.value)
}
