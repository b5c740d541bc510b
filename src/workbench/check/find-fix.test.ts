import { describe, expect, it } from 'vitest'
import { memorySource } from '../../../test/support/policies.js'
import type { Finding } from '../../documents/finding.js'
import { readDocuments } from '../../documents/read-documents.js'
import { compileDocument } from '../../policy/compile-document.js'
import { setOf } from './check.fixture.js'
import { checkPolicies } from './check-policies.js'
import { findFix, findGuard } from './find-fix.js'
import { applyFixes, diffOf, type Fix, regionOf } from './fix.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1\n'
const server = `${head}kind: Server\nmetadata: { name: bank }\nspec: { resource: "https://bank.example.com/mcp" }\n---\n`
const guardrail = (body: string) => `${head}kind: Guardrail\nmetadata: { name: g }\nspec:\n${body}`
const grant = (body: string) => `${head}kind: Grant\nmetadata: { name: g }\nspec:\n${body}`
const valid = '  validations:\n  - expression: user.username == "a"\n'

/** Of documents by themselves, and together where they compile. */
function findingsIn(text: string): readonly Finding[] {
  const { documents, findings } = readDocuments('p.yaml', text)
  const alone = [...findings, ...documents.flatMap(one => compileDocument(one, { lint: true }).findings)]
  if (alone.some(({ severity }) => severity === 'error')) return alone
  const set = setOf([memorySource({ 'p.yaml': text })])
  return [...set.findings, ...checkPolicies(set)]
}

function fixesOf(text: string): readonly (Fix | undefined)[] {
  return findingsIn(text).map(finding => findFix(finding, text, {}))
}

describe('what mends a finding', () => {
  it.each<[name: string, text: string, old: string, fixed: string]>([
    ['a Server', server + guardrail(`  match: { servers: [bnak] } # why\n${valid}`), 'bnak', 'bank'],
    ['a Server in quotes', server + guardrail(`  match: { servers: ["bnak"] }\n${valid}`), '"bnak"', '"bank"'],
    [
      'a Server in single quotes',
      server + guardrail(`  match:\n    servers:\n    - 'bnak'\n${valid}`),
      "'bnak'",
      "'bank'",
    ],
    ['a method', server + guardrail(`  match: { methods: [tools/cal] }\n${valid}`), 'tools/cal', 'tools/call'],
    ['a field', server + guardrail(`  mach: { servers: [bank] }\n${valid}`), 'mach', 'match'],
    ['a kind', server.replace('kind: Server', 'kind: Sever'), 'Sever', 'Server'],
    ['an API version', server.replace('v1alpha1', 'v1'), 'mcp-authz.dev/v1', 'mcp-authz.dev/v1alpha1'],
    ['a mode', guardrail(`  mode: Enfroce\n${valid}`), 'Enfroce', 'Enforce'],
    ['a list', guardrail(`  match: { tools: pay }\n${valid}`), 'pay', '[pay]'],
    [
      'a number for a text',
      `${head}kind: Server\nmetadata: { name: bank, labels: { a: 5 } }\nspec: { resource: "https://b.example.com/mcp" }\n`,
      '5',
      '"5"',
    ],
    ['a variable of CEL', guardrail('  validations:\n  - expression: usr.username == "a"\n'), 'usr', 'user'],
    [
      'a function of CEL',
      guardrail('  validations:\n  - expression: user.username.contans("a")\n'),
      'contans',
      'contains',
    ],
    [
      'a member of CEL',
      guardrail('  validations:\n  - expression: tenant == "b" && user.usernme == "a"\n'),
      'usernme',
      'username',
    ],
    [
      'a member in quotes',
      guardrail('  validations:\n  - expression: \'user.usernme == "a"\'\n'),
      'usernme',
      'username',
    ],
    [
      'a member on another line',
      guardrail('  validations:\n  - expression: |\n      tenant == "b" &&\n        user.usernme == "a"\n'),
      'usernme',
      'username',
    ],
    ['CRLF', (server + guardrail(`  match: { servers: [bnak] }\n${valid}`)).replaceAll('\n', '\r\n'), 'bnak', 'bank'],
    [
      'behind a byte order mark',
      `\uFEFF${server}${guardrail(`  match: { servers: [bnak] }\n${valid}`)}`,
      'bnak',
      'bank',
    ],
  ])('%s', (_name, text, old, fixed) => {
    const [fix, ...others] = fixesOf(text).filter(one => one !== undefined)
    expect(others).toEqual([])
    expect(fix).toMatchObject({ old, text: fixed, effect: 'mends' })
    const changed = applyFixes(text, fix === undefined ? [] : [fix])
    expect(changed.text).toBe(text.replace(old, fixed))
    expect(findingsIn(changed.text)).toEqual([])
  })

  it.each<[string, string]>([
    ['a name that is like no other', server + guardrail(`  match: { servers: [payments] }\n${valid}`)],
    ['what is always true', guardrail('  validations:\n  - expression: 1 == 1\n')],
    ['what does not parse', guardrail('  validations:\n  - expression: (1 == \n')],
    [
      'a name in the text beside',
      guardrail('  validations:\n  - expression: usrr.x == "a" && usrx.y\n').replaceAll('usr', 'qqq'),
    ],
    ['a broken document', `${head}kind: [Guardrail\n`],
  ])('is not known of %s', (_name, text) => {
    expect(findingsIn(text).length).toBeGreaterThan(0)
    expect(fixesOf(text).filter(one => one !== undefined)).toEqual([])
  })

  it('is only suggested where a name decides what is given', () => {
    const text = server + grant('  match: { servers: [bnak], subjects: [{ kind: User, name: a }] }\n')
    expect(fixesOf(text).filter(one => one !== undefined)).toMatchObject([{ text: 'bank', effect: 'suggests' }])
  })
})

describe('a guard', () => {
  const guarded = '!has(args.a) || (args.a < 5)'
  const finding = (text: string): Finding => {
    const [document] = readDocuments('p.yaml', text).documents
    if (document === undefined) throw new Error('no document')
    return document.finding('warning', ['spec', 'validations', 0, 'expression'], 'fails')
  }

  it.each<[string, string, string]>([
    ['plain', 'args.a < 5', `'${guarded}'`],
    ['plain, with a comment', 'args.a < 5 # why', `'${guarded}' # why`],
    ['in double quotes', '"args.a < 5"', `"${guarded}"`],
    ['in single quotes', "'args.a < 5'", `'${guarded}'`],
  ])('keeps what is written %s', (_name, scalar, expected) => {
    const text = guardrail(`  validations:\n  - expression: ${scalar}\n`)
    const fix = findGuard(finding(text), { expression: 'args.a < 5', guarded }, text)
    expect(fix?.effect).toBe('suggests')
    const changed = applyFixes(text, fix === undefined ? [] : [fix]).text
    expect(changed).toContain(`expression: ${expected}\n`)
    expect(readDocuments('p.yaml', changed).documents[0]?.value).toMatchObject({
      spec: { validations: [{ expression: guarded }] },
    })
  })

  it('is not written into several lines', () => {
    const text = guardrail('  validations:\n  - expression: |\n      args.a < 5\n')
    expect(findGuard(finding(text), { expression: 'args.a < 5', guarded }, text)).toBeUndefined()
  })
})

describe('making changes', () => {
  const fix = (start: number, old: string, text: string): Fix => ({
    file: 'f',
    start,
    end: start + old.length,
    old,
    text,
    effect: 'mends',
  })

  it('makes all that do not touch each other, in any order', () => {
    const { text, made } = applyFixes('one two three', [fix(8, 'three', '3'), fix(0, 'one', '1')])
    expect([text, made.length]).toEqual(['1 two 3', 2])
  })

  it('makes the first of two that do, and none twice', () => {
    const { text, made } = applyFixes('one two', [fix(0, 'one two', 'x'), fix(4, 'two', '2'), fix(0, 'one two', 'x')])
    expect([text, made.length]).toEqual(['x', 1])
  })

  it('leaves what is not what it was', () => {
    expect(applyFixes('one two', [fix(0, 'two', '2')])).toEqual({ text: 'one two', made: [] })
  })

  it('shows the lines before and after', () => {
    expect(diffOf('a: 1\nb: 2\nc: 3\n', fix(8, '2', '4'))).toEqual(['- b: 2', '+ b: 4'])
    expect(diffOf('a: 1\r\nb: 2', fix(9, '2', '4'))).toEqual(['- b: 2', '+ b: 4'])
    expect(regionOf('a: 1\nb: 2\n', fix(8, '2', '4'))).toEqual({
      start: { line: 2, column: 4 },
      end: { line: 2, column: 5 },
    })
  })
})

it('compiles a document no more often than it may', () => {
  const text = server + guardrail(`  match: { methods: [tools/cal] }\n${valid}`)
  const [finding] = findingsIn(text)
  if (finding === undefined) throw new Error('nothing is found')
  const asked: number[] = []
  const mayCompile = (isAllowed: boolean) => (characters: number) => {
    asked.push(characters)
    return isAllowed
  }
  expect(findFix(finding, text, {}, mayCompile(true))).toMatchObject({ text: 'tools/call' })
  expect(findFix(finding, text, {}, mayCompile(false))).toBeUndefined()
  expect(asked).toEqual([asked[0], asked[0]])
  expect(asked[0]).toBeGreaterThan(valid.length)
})
