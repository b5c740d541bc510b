import { parse } from '@bufbuild/cel'
import {
  getCheckingSuite,
  getComprehensionSuite,
  getConformanceSuite,
  getParsingSuite,
  type IncrementalTest,
} from '@bufbuild/cel-spec/testdata/tests.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testsOf } from '../types/spec-types.fixture.js'
import type { Expr, Literal } from './ast.js'
import { formatExpression } from './format-expression.js'
import { buildMacro } from './macros.js'
import { parseExpression } from './parse-expression.js'
import { positionAt } from './position-at.js'
import { showTree } from './show-tree.js'
import { SyntaxIssues } from './syntax-issue.js'

type Parsed = ReturnType<typeof parse>
type Oracle = NonNullable<Parsed['expr']>
type OracleConstant = Extract<Oracle['exprKind'], { case: 'constExpr' }>['value']['constantKind']

const suites = [getConformanceSuite(), getParsingSuite(), getCheckingSuite(), getComprehensionSuite()]
const limits = { bytes: 100_000, depth: 250, nodes: 100_000 }

/** What only the parser of cel-go says, without its limits and what was switched off in the recording. */
const parserMessages =
  /^(Syntax error: (?!error recovery)|invalid \w+ literal|reserved identifier|argument (must be a simple name|is not an identifier)|invalid argument to has|invalid unicode|unable to unescape)/

/** Where cel-go refused to parse, as the recording says: `line:column` of each issue. */
function refusals({ error = '' }: IncrementalTest): string[] {
  return error.split('\n').flatMap(line => {
    const [, place, message = ''] = /^ERROR: [^:]*:(\d+:\d+): (.*)/.exec(line) ?? []
    return place !== undefined && parserMessages.test(message) ? [place] : []
  })
}

/** The recording was made without these macros, except for the suite about them. */
const withoutTwoVariables = /undeclared reference to '(all|exists|exists_one|existsOne|transform\w+)'/

describe('the suites of cel-spec and cel-go', () => {
  const tests = suites.flatMap(testsOf)

  it('are there', () => {
    expect(tests.length).toBeGreaterThan(2500)
  })

  it('parse, or are refused where cel-go refuses', () => {
    const wrong: string[] = []
    for (const test of tests) {
      const { expr } = test.original
      const places = refusals(test)
      const result = parseExpression(expr, {
        limits,
        macros: { twoVariable: !withoutTwoVariables.test(test.error ?? '') },
      })
      const at = result.ok ? undefined : result.errors[0]?.at
      const { line, column } = positionAt(expr, at ?? 0)
      // Of a wrong escape cel-go gives the beginning of the text.
      const place = at === undefined ? undefined : `${line}:${column}`
      if (place !== places[0] && !(/"|'/.test(expr.charAt(0)) && places[0] === '1:1' && at !== undefined))
        wrong.push(`${expr.slice(0, 60)} at ${place}, cel-go ${places[0]}: ${test.error?.split('\n')[0]}`)
    }
    expect(wrong).toEqual([])
  })

  it('stay what they are when they are formatted', () => {
    for (const { original } of tests) {
      const before = parseExpression(original.expr, { limits })
      if (!before.ok) continue
      const text = formatExpression(before.expr)
      const after = parseExpression(text, { limits })
      expect(after.ok && showTree(after.expr), text).toBe(showTree(before.expr))
      expect(after.ok && formatExpression(after.expr)).toBe(text)
    }
  })

  it('give the trees of @bufbuild/cel', () => {
    let compared = 0
    for (const { original } of tests.filter(test => refusals(test).length === 0)) {
      const oracle = oracleTree(original.expr)
      if (oracle === undefined) continue
      compared++
      expect(ourTree(original.expr), original.expr).toBe(oracle)
    }
    expect(compared).toBeGreaterThan(1800)
  })
})

describe('any tokens', () => {
  const token = fc.constantFrom(
    ...['a', 'b', 'x', '.', '.', '(', ')', '(', ')', '[', ']', '{', '}', ',', ':', '?', '1', '0x1', '1u', '2.5', '.5'],
    ...[
      '"a"',
      "r'\\d'",
      'b"x"',
      '"\\n"',
      '+',
      '-',
      '-',
      '*',
      '/ ',
      '%',
      '!',
      '==',
      '!=',
      '<',
      '<=',
      '&&',
      '||',
      ' in ',
    ],
    ...['.all(x, ', '.map(x, ', '.size()', 'has(a.b)', 'f(', ' true ', ' null ', ' ', '\n', 'if', 'M{', 'a: '],
  )

  it('are a tree or a refusal for us as for @bufbuild/cel', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 10 }), tokens => {
        const source = tokens.join('')
        // The oracle takes a function of the root scope for the macro, and has other rules for the minus of a uint and
        // the blank after a minus, in which we follow the grammar of cel-go.
        fc.pre(!/\.\s*has\(|-\s*\w*u|-\s+[\d.]/.test(source))
        expect(ourTree(source), source).toBe(oracleTree(source))
      }),
      // One sequence: the oracle has rare quirks (it refuses `f( )`), which must not fail an unrelated change.
      { numRuns: 10_000, seed: 5 },
    )
  })
})

/** undefined when refused. The oracle does not keep leading points, and balances chains: both are levelled out. */
function ourTree(source: string): string | undefined {
  const macros = { twoVariable: false, bind: false, sortBy: false, optionals: false }
  const result = parseExpression(source, { limits, macros })
  return result.ok ? showTree(levelled(result.expr)) : undefined
}

function oracleTree(source: string): string | undefined {
  let parsed: Parsed
  try {
    parsed = parse(source)
  } catch {
    return undefined
  }
  const reader = new OracleReader(parsed)
  const tree = reader.read(parsed.expr)
  return reader.issues.list.length > 0 ? undefined : showTree(levelled(tree))
}

function levelled(expr: Expr): Expr {
  switch (expr.kind) {
    case 'literal':
      return expr
    case 'ident':
      return { ...expr, root: false }
    case 'select':
      return { ...expr, operand: levelled(expr.operand) }
    case 'call': {
      const args = expr.args.map(levelled)
      const flat = expr.name === '_&&_' || expr.name === '_||_'
      return {
        ...expr,
        name: expr.name.replace(/^\./, ''),
        target: expr.target && levelled(expr.target),
        args: flat ? args.flatMap(arg => (arg.kind === 'call' && arg.name === expr.name ? arg.args : [arg])) : args,
      }
    }
    case 'list':
      return { ...expr, elements: expr.elements.map(({ value }) => ({ value: levelled(value), optional: false })) }
    case 'map':
      return {
        ...expr,
        entries: expr.entries.map(({ key, value }) => ({
          key: levelled(key),
          value: levelled(value),
          optional: false,
        })),
      }
    case 'message':
      return {
        ...expr,
        type: expr.type.replace(/^\./, ''),
        fields: expr.fields.map(entry => ({ ...entry, value: levelled(entry.value) })),
      }
    case 'comprehension':
      return {
        ...expr,
        range: levelled(expr.range),
        filter: expr.filter && levelled(expr.filter),
        body: expr.body && levelled(expr.body),
      }
    case 'bind':
      return { ...expr, init: levelled(expr.init), body: levelled(expr.body) }
    case 'optional_map':
      return { ...expr, operand: levelled(expr.operand), body: levelled(expr.body) }
  }
}

const place = { id: 0, at: 0 }

class OracleReader {
  readonly #parsed: Parsed
  /** It takes any expression for the name of a variable. */
  readonly issues = new SyntaxIssues()

  constructor(parsed: Parsed) {
    this.#parsed = parsed
  }

  /** Of numbers that do not fit it makes what it can. */
  #literal(constant: OracleConstant): Literal {
    const literal = literalOf(constant)
    const fits =
      literal.type === 'int'
        ? BigInt.asIntN(64, literal.value) === literal.value
        : literal.type === 'uint'
          ? BigInt.asUintN(64, literal.value) === literal.value
          : literal.type !== 'double' || Number.isFinite(literal.value)
    if (!fits) this.issues.add(0, 'too large')
    return literal
  }

  read(expr: Oracle | undefined): Expr {
    if (expr === undefined) throw new Error('a part is missing')
    const { exprKind } = this.#parsed.sourceInfo?.macroCalls[String(expr.id)] ?? expr
    switch (exprKind.case) {
      case 'constExpr':
        return { ...place, kind: 'literal', literal: this.#literal(exprKind.value.constantKind) }
      case 'identExpr':
        return { ...place, kind: 'ident', name: exprKind.value.name, root: false }
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value
        return { ...place, kind: 'select', operand: this.read(operand), field, test: testOnly, optional: false }
      }
      case 'callExpr': {
        const { function: name, target, args } = exprKind.value
        const call = { name, target: target && this.read(target), args: args.map(arg => this.read(arg)), at: 0 }
        const sets = { twoVariable: false, bind: false, sortBy: false, optionals: false }
        return buildMacro(call, sets, this.issues) ?? { ...call, ...place, kind: 'call' }
      }
      case 'listExpr':
        return {
          ...place,
          kind: 'list',
          elements: exprKind.value.elements.map(element => ({ value: this.read(element), optional: false })),
        }
      case 'structExpr': {
        const { messageName, entries } = exprKind.value
        const read = entries.map(({ keyKind, value }) => ({ keyKind, value: this.read(value), optional: false }))
        if (messageName === '') {
          return {
            ...place,
            kind: 'map',
            entries: read.map(({ keyKind, value, optional }) => ({
              key: this.read(keyKind.case === 'mapKey' ? keyKind.value : undefined),
              value,
              optional,
            })),
          }
        }
        return {
          ...place,
          kind: 'message',
          type: messageName,
          fields: read.map(({ keyKind, value, optional }) => ({
            name: keyKind.case === 'fieldKey' ? keyKind.value : '',
            value,
            optional,
            at: 0,
          })),
        }
      }
      default:
        throw new Error(`what is ${exprKind.case}?`)
    }
  }
}

function literalOf(constant: OracleConstant): Literal {
  switch (constant.case) {
    case 'nullValue':
      return { type: 'null' }
    case 'boolValue':
      return { type: 'bool', value: constant.value }
    case 'int64Value':
      return { type: 'int', value: constant.value }
    case 'uint64Value':
      return { type: 'uint', value: constant.value }
    case 'doubleValue':
      return { type: 'double', value: constant.value }
    case 'stringValue':
      return { type: 'string', value: constant.value }
    case 'bytesValue':
      return { type: 'bytes', value: constant.value }
    default:
      throw new Error(`what is ${constant.case}?`)
  }
}
