import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authorizerValue } from '../../src/cel/authorizer-value.js'
import { createCelEnvironment } from '../../src/cel/create-environment.js'
import { type Activation, type CelJson, CostBudget } from '../../src/cel/environment.js'
import { limits } from '../../src/cel/limits.js'
import { packageRoot } from '../../src/package-root.js'
import { decisionBudget } from '../../src/policy/decision-budget.js'
import { policyEnvironment } from '../../src/policy/expression-environment.js'
import { offered, overloadsByRow, rowsOf, tableOf, tables } from './cel-functions.js'
import { codeBlocks, type MarkdownFile, readMarkdown, tableRows } from './markdown.js'

const page = join(packageRoot, 'docs/cel.md')
const marked = (name: string) => new RegExp(`(<!-- functions: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`)

/** `UPDATE_DOCS=1` writes the tables of functions anew. */
function readPage(): MarkdownFile {
  const file = readMarkdown('docs/cel.md')
  if (process.env.UPDATE_DOCS === undefined) return file
  let { text } = file
  for (const name of tables.keys()) {
    text = text.replace(marked(name), (_, start: string, end: string) => `${start}\n${tableOf(name)}\n\n${end}`)
  }
  writeFileSync(page, text)
  return { ...file, text }
}

const doc = readPage()

/** As a policy declares them, and an authorizer that allows `get`. */
const environment = createCelEnvironment({
  ...Object.fromEntries(policyEnvironment.variables),
  authorizer: 'kubernetes.authorization.Authorizer',
})

const values = new Map<string, CelJson>([
  [
    'user',
    new Map<string, CelJson>([
      ['username', 'alice'],
      ['groups', ['dev']],
    ]),
  ],
  ['scopes', ['tools:call']],
  ['replicas', [2n, 3n]],
  ['images', ['registry.example.com/web@sha256:00']],
  ['request', new Map<string, CelJson>([['time', new Date('2026-01-02T11:30:15Z')]])],
  [
    'args',
    new Map<string, CelJson>([
      ['name', 'web-1'],
      ['count', 3n],
      ['image', 'registry.example.com/web:1'],
      ['labels', new Map([['team', 'web']])],
    ]),
  ],
])
const authorizer = authorizerValue('caller', {
  check: ({ verb }) => ({
    allowed: verb === 'get',
    reason: 'get only',
    error: verb === 'fail' ? 'no answer' : undefined,
  }),
})
const activation: Activation = name => (name === 'authorizer' ? authorizer : values.get(name))

/** What an expression gives, as the page says it. */
function outcome(source: string): { readonly value: unknown } | { readonly says: string } {
  const compiled = environment.compile(source)
  if (!compiled.ok) return { says: `does not compile: ${compiled.error.message}` }
  const evaluated = compiled.program.evaluateValue(activation)
  return evaluated.ok ? { value: evaluated.value } : { says: `error: ${evaluated.error}` }
}

const examples = codeBlocks(doc)
  .filter(({ language }) => language === 'cel')
  .flatMap(({ line, text }) =>
    text
      .trimEnd()
      .split('\n')
      .map((source, at) => ({ source, at: line + at + 1 })),
  )
  .map(({ source, at }) => {
    const split = source.lastIndexOf(' // ')
    return { at, source: source.slice(0, split).trim(), gives: source.slice(split + 4).trim() }
  })

describe('examples of the page', () => {
  it('are found', () => {
    expect(examples.length).toBeGreaterThan(50)
  })

  it.each(examples)('line $at: $source gives $gives', ({ source, gives }) => {
    const found = outcome(source)
    if ('says' in found) expect(found.says).toContain(gives)
    else expect(found).toEqual(outcome(gives))
  })
})

describe('tables of functions', () => {
  it.each([...tables.keys()])('%s is as the tables in the code have it', name => {
    const [, , shown = ''] =
      /(<!-- functions: \S+ -->\n)([\s\S]*?)<!-- end -->/.exec(marked(name).exec(doc.text)?.[0] ?? '') ?? []
    expect(shown.trim()).toBe(tableOf(name))
  })

  it('have every overload of mcp-authz/v1', () => {
    const shown = new Set([...overloadsByRow().values()].flat())
    expect(offered.map(({ signature }) => signature).filter(signature => !shown.has(signature))).toEqual([])
  })

  it.each([...tables.keys()].flatMap(name => rowsOf(name)))('$example gives $result', ({ example, result, says }) => {
    const found = outcome(example)
    expect('says' in found).toBe(result === 'error')
    if (result !== 'error') expect(found).toEqual(outcome(result))
    expect(says).toMatch(/\.$/)
  })
})

describe('numbers on the page', () => {
  const rows = new Map(tableRows(doc, 'Limits and cost').map(([what = '', value = '']) => [what, value]))
  const written = (units: number) => units.toLocaleString('en-US')

  it.each([
    ['size of an expression', `${written(limits.sourceBytes)} bytes`],
    ['expressions inside one another', written(limits.depth)],
    ['nodes', written(limits.nodes)],
    ['steps that hang on one another (`a.b.c…`, `a + b + c…`)', written(limits.chain)],
    ['cost of one evaluation', `${written(limits.budget)} units`],
    ['cost of all rules for one call', `${written(decisionBudget)} units`],
  ])('%s: %s', (what, value) => {
    expect(rows.get(what)).toBe(value)
  })

  it.each([
    ['a variable, a member, a call, an operator', 'replicas', 1],
    ['a list that is written out', '[dyn(args)]', 10],
    ['a map that is written out', '{"a": args}', 30],
    ['a question to the authorizer', 'authorizer.path("/").check("get")', 35_000],
  ])('%s costs what is said', (what, source, units) => {
    expect(rows.get(what)).toBe(written(units))
    const compiled = environment.compile(source)
    if (!compiled.ok) throw new Error(compiled.error.message)
    const budget = new CostBudget(100_000)
    compiled.program.evaluateValue(activation, budget)
    const spent = 100_000 - budget.left
    expect(spent).toBeGreaterThanOrEqual(units)
    expect(spent).toBeLessThanOrEqual(units + 5)
  })
})
