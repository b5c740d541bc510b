import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'

import { catalogs, demo, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { createDecide } from '../decision/create-decide.js'
import { grant, guardrail, server, testSet } from '../workbench/replay/replay.fixture.js'
import { UsageError } from './command.js'
import { replayCommand } from './replay-command.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-replay-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

function policies(name: string, documents: readonly string[]): string {
  mkdirSync(at(name))
  writeFileSync(join(at(name), 'policies.yaml'), documents.join('\n---\n'))
  return at(name)
}

const cap = guardrail('cap', 'args.amount <= 10')
const inForce = [server('srv'), grant('everybody'), cap]
const same = policies('in-force', inForce)
const weaker = policies('weaker', [server('srv'), grant('everybody')])
const stricter = policies('stricter', [...inForce, guardrail('people', "user.username != 'bob'")])
const other = policies('other', [server('srv'), grant('everybody'), guardrail('cap', 'args.amount <= 20')])
const empty = policies('broken', ['apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\n'])

const set = testSet(inForce, { alice: person('alice'), bob: person('bob') }, true)
const line = (amount: number, as: string) =>
  set.send(toolsCall('pay', { amount }), { as, now: Date.UTC(2026, 0, 15) }).line
const log = at('decisions.ndjson')
writeFileSync(
  log,
  `${[line(5, 'alice'), line(5, 'bob'), line(50, 'alice'), line(50, 'bob'), 'not a record'].join('\n')}\n`,
)

async function replay(...args: string[]) {
  const out: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void out.push(text),
    env: {},
    signal: new AbortController().signal,
  }
  try {
    return { code: await replayCommand.run(args, io), out: out.join('\n') }
  } catch (error) {
    if (error instanceof UsageError) return { code: 1, out: error.message }
    throw error
  }
}

describe('replay', () => {
  it('writes out what a terminal would obey: callers choose the names of tools', async () => {
    const file = at('evil.ndjson')
    const written = line(5, 'alice').replace('"name":"pay"', '"name":"pay\\n::error::\\u001b[2K\\u202e"')
    writeFileSync(file, `${written}\n`)
    const nobody = policies('nobody', [...inForce, guardrail('nobody', 'false')])
    const { out } = await replay(file, '-p', nobody)
    expect(out).toContain('1 tightened')
    expect(out).toContain('pay\\u000a::error::\\u001b[2K\\u202e')
  })

  it.each<[string, string[], number, RegExp]>([
    ['finds nothing weakened under the same', [log, '-p', same], 0, /4 records .*: 4 same, 0 tightened, 0 weakened/],
    [
      'exits 2 for what is weakened',
      [log, '-p', weaker],
      2,
      /Weakened: denied then, allowed now\n {2}1 {2}srv\/pay {2}alice\n {7}deny by guardrail\.violated \(Guardrail\/cap\) -> allow\n {7}e\.g\. [0-9a-f-]{36}/,
    ],
    ['or does not', [log, '-p', weaker, '--fail-on', 'none'], 0, /2 weakened/],
    [
      'says what is tightened',
      [log, '-p', stricter, '--against', same],
      0,
      /srv\/pay {2}bob\n {7}allow -> deny by guardrail\.violated \(Guardrail\/people\)/,
    ],
    [
      'exits 2 for that if asked to',
      [log, '-p', stricter, '--against', same, '--fail-on', 'changed'],
      2,
      /1 tightened/,
    ],
    [
      'says on what the rest depends',
      [log, '-p', other, '--against', same],
      0,
      /Not replayable\n {2}2 {2}srv\/pay\n {7}allow -> \? depends on args\.amount/,
    ],
    ['says how more could be replayed', [log, '-p', stricter], 0, /more can be replayed with --against/],
    ['names lines that are none', [log, '-p', same], 0, /^line 5: not a JSON object/],
    ['compares two directories', [log, '-p', weaker, '--against', stricter], 2, /4 records are of other policies/],
    ['wants a log', ['-p', same], 1, /^say which decision log/],
    ['wants a file that is there', [at('absent'), '-p', same], 1, /ENOENT/],
    ['knows what to fail on', [log, '-p', same, '--fail-on', 'x'], 1, /weakened, changed or none/],
    ['wants policies that compile', [log, '-p', empty], 3, /policies\.yaml/],
  ])('%s', async (_, args, code, text) => {
    const told = await replay(...args).catch((error: Error) => ({ code: 1, out: error.message }))
    expect(told.out).toMatch(text)
    expect(told.code).toBe(code)
  })

  it('is for machines, too', async () => {
    const { out } = await replay(log, '-p', weaker, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      version: 'mcp-authz.dev/replay/v1',
      baseline: { log: true },
      records: 4,
      unreadable: 1,
      totals: { same: 2, weakened: 2 },
      groups: [{ result: 'weakened', server: 'srv', what: 'pay', who: 'alice', count: 1 }, { who: 'bob' }],
    })
  })

  it('reads several logs', async () => {
    expect((await replay(log, log, '-p', same)).out).toMatch(/^8 records/m)
  })
})

it('has examples in its help that it understands', async () => {
  const examples = [...replayCommand.help.matchAll(/mcp-authz replay (decisions.*|- .*)$/gm)].map(
    ([, words = '']) => words,
  )
  expect(examples).toHaveLength(2)
  const real: Readonly<Record<string, string>> = {
    'decisions.ndjson': log,
    '-': log,
    candidate: weaker,
    policies: same,
  }
  for (const example of examples)
    expect((await replay(...example.split(' ').map(word => real[word] ?? word))).code).toBe(2)
})

it('is shown in docs/workbench.md as it is', async () => {
  const people = { alice: person('alice', ['team-a-developers']), vera: person('vera', ['viewers']) }
  const store = storeOf([catalogs, demo], namesAsTokens(people))
  store.load()
  let record = ''
  const decide = createDecide({
    snapshot: () => store.current,
    now: () => Date.parse('2026-07-15T08:30:00Z'),
    onDecided: decided => {
      record = decided.record()
    },
  })
  const ask = (as: string, tool: string, args: object, recorded: boolean): string => {
    const headers = { authorization: `Bearer ${as}` }
    void decide(
      inbound({
        authority: store.current?.servers.byName('kubernetes')?.host ?? '',
        headers,
        body: toolsCall(tool, args),
      }),
    )
    return JSON.stringify({ ...JSON.parse(record), ...(recorded && { arguments: args }) })
  }
  const scale = (count: number) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'team-a',
    name: 'web',
    scale: count,
  })
  const lines = [
    ask('vera', 'pods_list_in_namespace', { namespace: 'team-a' }, true),
    ask('vera', 'pods_list_in_namespace', { namespace: 'kube-system' }, true),
    ask('alice', 'resources_scale', scale(3), true),
    ask('alice', 'resources_scale', scale(10), true),
    ask('alice', 'resources_scale', scale(12), false),
  ]
  const logged = at('shown.ndjson')
  writeFileSync(logged, lines.join('\n'))
  cpSync('policies/demo', at('shown'), { recursive: true })
  const file = join(at('shown'), 'guardrails.yaml')
  const rule = guardrail('no-system-namespaces', "operations.all(o, o.namespace != 'kube-system')")
  writeFileSync(file, `${readFileSync(file, 'utf8').replace('n <= 5', 'n <= 20')}\n---\n${rule}\n`)
  const { out } = await replay(logged, '--policies', at('shown'), '--against', 'policies/demo')
  const [, shown = ''] =
    /```console\n\$ mcp-authz replay[^\n]*\n(.*?)```/s.exec(readFileSync('docs/workbench.md', 'utf8')) ?? []
  expect(`${unnamed(out)}\n`).toBe(unnamed(shown))
})

/** Ids and revisions are others every time. */
function unnamed(text: string): string {
  return text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replace(/revision [0-9a-f]{16}/g, 'revision R')
}
