import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { codeBlocks, readMarkdown, tableRows } from '../../test/docs/markdown.js'
import { expectationFields } from '../workbench/policy-tests/policy-test-schema.js'
import { UsageError } from './command.js'
import { testCommand } from './test-command.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function start(args: readonly string[], signal = new AbortController().signal) {
  const out: string[] = []
  const err: string[] = []
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text), env: {}, signal }
  const code = testCommand.run(args, io).catch((error: unknown) => {
    err.push(error instanceof Error ? error.message : String(error))
    return error instanceof UsageError ? 'usage' : 'error'
  })
  return { out, err, code }
}

async function cli(...args: string[]) {
  const { out, err, code } = start(args)
  return { code: await code, out: out.join('\n'), err: err.join('\n') }
}

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

const version = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = `${version}\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://x.example.com/mcp" }\n`
const grant = (tool: string) =>
  `---\n${version}\nkind: Grant\nmetadata: { name: g }\nspec: { match: { servers: [files], tools: [${tool}], subjects: [{ kind: User, name: ann }] } }\n`
const tests = (expected: string) =>
  `${version}\nkind: PolicyTest\nmetadata: { name: files }\nspec:\n  principals: { ann: { user: ann } }\n  calls: { read: { tool: read } }\n  tests: [{ name: ann reads, principal: ann, call: read, expect: ${expected} }]\n`

function set(name: string, expected: string, tool = 'read'): string {
  write(`${name}/policies.yaml`, server + grant(tool))
  write(`${name}/files_test.yaml`, tests(expected))
  return join(folder, name)
}

describe('test', () => {
  it('the shipped policies do what their tests say', async () => {
    const { code, out } = await cli('policies', '--coverage', '--fail-on-empty')
    expect(out).toMatch(/\n\d+ passed, 0 failed$/)
    expect(code).toBe(0)
  })

  it.each<[string, () => string[], number | string, string]>([
    ['passes', () => [set('good', 'allow')], 0, '1 passed, 0 failed'],
    ['fails', () => [set('bad', 'deny')], 2, 'FAIL  files/ann reads'],
    [
      'shows every step of what failed',
      () => [set('bad', 'deny')],
      2,
      'ok    authorization Grant/g  gives to the user',
    ],
    ['takes one file', () => [join(set('good', 'allow'), 'files_test.yaml')], 0, '1 passed'],
    ['says what came, verbosely', () => [set('good', 'allow'), '-v'], 0, 'ok    files/ann reads  allow'],
    [
      'runs against other policies',
      () => [set('good', 'allow'), '--policies', set('other', 'allow', 'write')],
      2,
      'got deny',
    ],
    ['finds tests beside named policies', () => ['--policies', set('good', 'allow')], 0, '1 passed'],
    ['filters', () => [set('bad', 'deny'), '--filter', '^nothing$'], 0, '0 passed, 0 failed, 1 left out by --filter'],
    [
      'fails on an empty run if asked',
      () => [set('bad', 'deny'), '--filter', '^nothing$', '--fail-on-empty'],
      2,
      'the filter leaves none over',
    ],
    [
      'says that there are none',
      () => [write('none/a.yaml', server) && join(folder, 'none'), '--fail-on-empty'],
      2,
      'no files named *_test.yaml',
    ],
    [
      'has no mercy below a threshold',
      () => [set('half', 'deny', 'write'), '--coverage-threshold', '100'],
      2,
      'coverage: 0 of 1 rules decided, 0 %, fewer than the 100 % asked for',
    ],
    [
      'passes above a threshold',
      () => [set('good', 'allow'), '--coverage-threshold', '99.5'],
      0,
      'coverage: 1 of 1 rules decided, 100 %',
    ],
    [
      'reports policies that do not compile',
      () => [
        write('broken/files_test.yaml', tests('allow')) &&
          dirname(write('broken/p.yaml', `${server}${grant('read')}spek: 1\n`)),
      ],
      3,
      'error: document 2, Grant/g spek: unknown field',
    ],
    [
      'reports tests that do not',
      () => [dirname(write('typo/files_test.yaml', tests('alow')))],
      3,
      'files_test.yaml:7:66: error',
    ],
    [
      'says that policies hold no Server',
      () => [dirname(write('alone/files_test.yaml', tests('allow')))],
      3,
      'hold no Server\n    name where they are with --policies',
    ],
    [
      'refuses absolute directories in tests',
      () => [dirname(write('absolute/files_test.yaml', tests('allow').replace('spec:', 'spec:\n  policies: [/etc]')))],
      'error',
      'write "/etc" relative to the test',
    ],
    [
      'refuses files that are no tests',
      () => [join(set('good', 'allow'), 'policies.yaml')],
      'error',
      'the names of those end in _test.yaml',
    ],
    ['refuses what is not there', () => [join(folder, 'absent')], 'error', 'ENOENT'],
    [
      'refuses expressions that RE2 does not know',
      () => [set('good', 'allow'), '--filter', '(?=a)'],
      'usage',
      '--filter is no expression of RE2',
    ],
    [
      'refuses other forms of output',
      () => ['-o', 'xml'],
      'usage',
      '--output is one of text, json, junit, tap, github',
    ],
    ['refuses a threshold that is none', () => ['--coverage-threshold', 'most'], 'usage', 'a number from 0 to 100'],
  ])('%s', async (_name, args, code, text) => {
    const result = await cli(...args())
    expect(`${result.out}\n${result.err}`).toContain(text)
    expect(result.code).toBe(code)
  })

  it('is not shaken by a file that is too large, or not YAML', async () => {
    write('huge/files_test.yaml', '# '.padEnd(1024 * 1024 + 1, 'x'))
    write('huge/other_test.yaml', 'a: b: c\n')
    const { code, out } = await cli(join(folder, 'huge'))
    expect(out).toContain('files_test.yaml:1:1: error: the file is larger than 1 MiB')
    expect(out).toContain('other_test.yaml:1:')
    expect(code).toBe(3)
  })

  it('has help whose examples run', async () => {
    const examples = testCommand.help.split('\n').filter(line => line.startsWith('  mcp-authz test '))
    expect(examples).toHaveLength(3)
    for (const example of examples) {
      const { code } = await cli(...example.trim().split(' ').slice(2))
      expect([example, code]).toEqual([example, 0])
    }
  })

  it('does not pass when it is interrupted', async () => {
    const { err, code } = start([set('good', 'allow')], AbortSignal.abort())
    expect(await code).toBe('error')
    expect(err).toEqual(['interrupted; not all tests ran'])
  })

  it('runs again when a policy changes, until it is interrupted', async () => {
    const path = join(folder, 'watched')
    cpSync(set('good', 'allow'), path, { recursive: true })
    const abort = new AbortController()
    const { out, code } = start([path, '--watch'], abort.signal)
    await until(() => out.length === 1)
    writeFileSync(join(path, 'policies.yaml'), server + grant('write-only'))
    await until(() => out.length === 2)
    writeFileSync(join(path, 'files_test.yaml'), tests('deny'))
    await until(() => out.length === 3)
    abort.abort()
    expect(await code).toBe(0)
    expect(out.map(text => text.split('\n').at(-1))).toEqual([
      '1 passed, 0 failed',
      '0 passed, 1 failed',
      '1 passed, 0 failed',
    ])
  })
})

describe('docs/testing-policies.md', () => {
  const blocks = codeBlocks(readMarkdown('docs/testing-policies.md'))
  const shown = blocks.filter(({ language }) => language === 'console').map(({ text }) => text)
  const beside = join(folder, 'documented')
  cpSync('policies/demo', beside, { recursive: true, filter: name => !name.endsWith('_test.yaml') })
  for (const { text } of blocks.filter(one => one.text.includes('kind: PolicyTest'))) {
    const name = /^metadata: \{ name: (\S+) \}$/m.exec(text)?.[1]
    writeFileSync(join(beside, `${name}_test.yaml`), text)
  }

  it.each(shown)('shows what comes: %s', async text => {
    const [command = ''] = text.split('\n')
    const args = command.split(' ').slice(3)
    const { out } = await cli(...args.map(arg => (arg.endsWith('_test.yaml') ? join(beside, arg) : arg)))
    expect(`${command}\n${out.replaceAll(`${beside}/`, '')}\n`).toBe(text)
  })

  it('shows something', () => expect(shown).toHaveLength(3))

  it.each(Object.keys(expectationFields))('tells of the expectation %s', field => {
    expect(tableRows(readMarkdown('docs/testing-policies.md'), 'What can be expected').join('\n')).toContain(
      `\`${field}\``,
    )
  })
})

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds() && waited < 10_000; waited += 20) await sleep(20)
}
