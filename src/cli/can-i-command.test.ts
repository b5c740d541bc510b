import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { canICommand } from './can-i-command.js'
import { UsageError } from './command.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-can-i-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function canI(...args: string[]) {
  const out: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void out.push(text),
    env: {},
    signal: new AbortController().signal,
  }
  try {
    return { code: await canICommand.run(args, io), out: out.join('\n') }
  } catch (error) {
    if (error instanceof UsageError) return { code: 1, out: error.message }
    throw error
  }
}

const alice = [
  ...['--as', 'alice', '--as-group', 'team-a-developers', '-p', 'policies/demo'],
  ...['--at', '2026-07-15T06:30:00Z'],
]
const atNight = ['--at', '2026-01-15T22:30:00Z']
const scale = (count: number) =>
  `{"apiVersion":"apps/v1","kind":"Deployment","namespace":"team-a","name":"web","scale":${count}}`
writeFileSync(join(folder, 'args.json'), scale(10))
const broken = join(folder, 'broken.yaml')
writeFileSync(broken, 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\n')

describe('can-i', () => {
  it.each<[string, string[], number, string | RegExp]>([
    ['says yes', ['call', 'kubernetes/resources_scale', '--args', scale(3), ...alice], 0, 'yes'],
    [
      'says what would be denied if it were enforced',
      ['call', 'kubernetes/resources_scale', '--args', scale(3), ...alice, ...atNight],
      0,
      /^yes\n {2}would be denied if enforced: .* \(guardrail\.violated \(Guardrail\/office-hours\)\)$/,
    ],
    [
      'wants a time with its zone',
      ['call', 'kubernetes/x', '--at', '2026-01-15', '--as', 'alice'],
      1,
      /^--at is a time/,
    ],
    [
      'says no, and how to get to yes',
      ['call', 'kubernetes/resources_scale', '--args-file', join(folder, 'args.json'), ...alice],
      1,
      /^no - at most 5 replicas; you asked for 10 \(guardrail\.violated \(Guardrail\/replica-cap\)\)\n {2}hint: Ask for 5/,
    ],
    [
      'says no whatever the arguments',
      ['call', 'kubernetes/pods_delete', '--agent', 'demo:sre-agent', ...alice],
      1,
      /^no, whatever the arguments - agents may not delete/,
    ],
    [
      'says on what it depends',
      ['call', 'kubernetes/resources_scale', ...alice],
      2,
      /^depends on arguments, .*replicas/,
    ],
    ['judges other methods', ['tools/list', 'kubernetes', ...alice], 0, 'yes'],
    ['judges a resource by its uri', ['resources/read', 'kubernetes/file:///x', ...alice], 1, /^no - /],
    ['judges a prompt', ['prompts/get', 'kubernetes/no-such-prompt', ...alice], 1, /^no, whatever the arguments - /],
    [
      'takes whole params',
      ['tools/call', 'kubernetes', '--params', `{"name":"pods_list","arguments":{}}`, ...alice],
      1,
      /^no - /,
    ],
    ['is quiet', ['call', 'kubernetes/resources_scale', '--args', scale(3), '-q', ...alice], 0, ''],
    [
      'needs somebody who asks',
      ['call', 'kubernetes/pods_list', '-p', 'policies/demo'],
      1,
      'say who asks with --as USER',
    ],
    ['knows the Servers', ['call', 'kubernets/pods_list', ...alice], 1, /did you mean "kubernetes"/],
    ['wants a tool', ['call', 'kubernetes', ...alice], 1, /can-i call SERVER\/TOOL/],
    ['wants JSON', ['call', 'kubernetes/pods_list', '--args', '{', ...alice], 1, /--args is not JSON/],
    ['wants an object', ['call', 'kubernetes/pods_list', '--args', '[]', ...alice], 1, /not a JSON object/],
    [
      'wants an agent with its issuer',
      ['call', 'kubernetes/pods_list', '--agent', 'bot', ...alice],
      1,
      '--agent is ALIAS:ID',
    ],
    ['wants no name for a list', ['tools/list', 'kubernetes/x', ...alice], 1, /is about no name/],
    ['wants nothing more', ['call', 'kubernetes/x', 'y', ...alice], 1, /^say what/],
    ['says that policies do not compile', ['call', 'x/y', '--as', 'alice', '-p', broken], 3, /broken\.yaml/],
  ])('%s', async (_, args, code, text) => {
    const told = await canI(...args)
    if (typeof text === 'string') expect(told.out).toBe(text)
    else expect(told.out).toMatch(text)
    expect(told.code).toBe(code)
  })

  it('is for machines, too', async () => {
    const { out } = await canI('call', 'kubernetes/resources_scale', '-o', 'json', ...alice)
    expect(JSON.parse(out)).toMatchObject({
      answer: 'depends',
      whateverTheArguments: false,
      dependsOn: expect.arrayContaining(['replicas']),
    })
  })

  it('lists what can be called, and with --all what cannot', async () => {
    const some = await canI('--list', 'kubernetes', ...alice)
    expect(some.code).toBe(0)
    expect(some.out).toMatch(/^tool +pods_delete +depends/m)
    expect(some.out).not.toMatch(/namespaces_list/)
    expect(some.out).toMatch(/\d+ of \d+ can be called; --all shows why the others cannot$/)
    const all = await canI('--list', 'kubernetes', '--all', ...alice)
    expect(all.out).toMatch(/^tool +namespaces_list +no +authorization\.rbac$/m)
    const json = JSON.parse((await canI('--list', 'kubernetes', '-o', 'json', ...alice)).out)
    expect(json.items.length).toBeGreaterThan(50)
  })
})

describe('the examples of the help', () => {
  const examples = [...canICommand.help.matchAll(/^ {2}mcp-authz can-i (.*)$/gm)].map(([, line = '']) => line)
  it.each(examples)('%s', async line => {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain)
    const { code, out } = await canI(...words)
    expect(out).toMatch(/^(?:yes|no|depends|tool)\b/)
    expect([0, 1, 2]).toContain(code)
  })
  it('are some', () => expect(examples.length).toBeGreaterThan(3))
})

describe('docs/workbench.md shows what is said', () => {
  const blocks = [...readFileSync('docs/workbench.md', 'utf8').matchAll(/```console\n(.*?)```/gs)].map(
    ([, text = '']) => text,
  )
  const shown = blocks.flatMap(block => block.split(/^\$ /m).filter(one => one.startsWith('mcp-authz can-i')))
  it.each(shown)('%s', async text => {
    const [command = '', ...lines] = text.trimEnd().split('\n')
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain)
    expect((await canI(...words.slice(2))).out).toBe(lines.join('\n'))
  })
  it('at some length', () => expect(shown.length).toBeGreaterThan(2))
})
