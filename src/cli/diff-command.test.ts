import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { person } from '../../test/support/policies.js'
import { packageRoot } from '../package-root.js'
import { grant, guardrail, server, testSet } from '../workbench/replay/replay.fixture.js'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-diff-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

function policies(name: string, documents: readonly string[]): string {
  mkdirSync(at(name))
  writeFileSync(join(at(name), 'policies.yaml'), documents.join('\n---\n'))
  return at(name)
}

const base = [server('srv'), grant('everybody')]
const inForce = [...base, guardrail('cap', 'args.amount <= 10', { match: { servers: ['*'], tools: ['pay'] } })]
const old = policies('old', inForce)
const weaker = policies('weaker', base)
const stricter = policies('stricter', [...inForce, guardrail('people', "user.username != 'bob'")])
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const obeyed = /[\u0000-\u0009\u000b-\u001f\u202e]|^\s*::/m
const evil = 'a\n::error::b\u001b[2K\u202e'
const hostile = policies('hostile', [...base, guardrail('cap', `user.groups.all(g, g != ${JSON.stringify(evil)})`)])
const broken = policies('broken', ['apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\n'])
const same = at('same')
cpSync(old, same, { recursive: true })
const set = testSet(inForce, { alice: person('alice') }, true)
const log = at('decisions.ndjson')
writeFileSync(log, `${set.send(toolsCall('pay', { amount: 50 }), { as: 'alice' }).line}\n`)

async function mcpAuthz(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    env: {},
    signal: new AbortController().signal,
  }
  return { code: await run(args, io), out: out.join('\n'), err: err.join('\n') }
}

describe('diff', () => {
  it.each<[string, string[], number, RegExp]>([
    ['finds nothing in the same', [old, same], 0, /^No document says anything else.\n\nnothing changed/],
    [
      'exits 2 for what is weakened',
      [old, weaker],
      2,
      /srv\/pay {2}anyone\n {4}deny by guardrail\S+ \(Guardrail\/cap\) -> allow/,
    ],
    ['exits 0 where it shall', [old, weaker, '--fail-on', 'none'], 0, /removed {2}Guardrail\/cap/],
    ['exits 0 for what is tightened', [old, stricter], 0, /Tightened[\s\S]*srv\/\S+ {2}User bob/],
    [
      'exits 2 for any difference if asked',
      [old, stricter, '--fail-on', 'changed'],
      2,
      /0 weakened, [1-9]\d* tightened/,
    ],
    [
      'reads a log',
      [old, weaker, '--log', log],
      2,
      /In the log: 1 weakened, 0 tightened, 0 changed, 0 the same, 0 not replayable, of 1 records/,
    ],
    ['says when it ended early', [old, weaker, '--calls', '5'], 2, /5 made-up calls .*\nthe search ended at --calls/],
  ])('%s', async (_, args, code, out) => {
    const answer = await mcpAuthz('diff', ...args)
    expect(answer.out).toMatch(out)
    expect(answer.code).toBe(code)
  })

  it.each<[string, string[], number, RegExp]>([
    ['one directory', [old], 1, /name two directories/],
    ['what is not there', [old, at('nowhere')], 1, /there is no .*nowhere/],
    ['a wrong number', [old, same, '--calls', 'many'], 1, /--calls is a number up to/],
    ['another output', [old, same, '-o', 'yaml'], 1, /--output is text or json/],
    ['what does not compile', [old, broken], 3, /error/],
  ])('refuses %s', async (_, args, code, err) => {
    const answer = await mcpAuthz('diff', ...args)
    expect(answer.err).toMatch(err)
    expect(answer.code).toBe(code)
  })

  it('shows what neither a terminal nor a build obeys', async () => {
    const { out } = await mcpAuthz('diff', weaker, hostile)
    expect(out).toContain('Group a\\u000a::error::b\\u001b[2K\\u202e')
    expect(out).not.toMatch(obeyed)
    // It would have to be shown as something else.
    expect(out).not.toContain("--as-group 'a")
  })

  it('gives examples that can-i answers in the same way', async () => {
    const { out } = await mcpAuthz('diff', old, weaker, '-o', 'json')
    const { groups, version, totals } = JSON.parse(out)
    expect(version).toBe('mcp-authz.dev/diff/v1')
    expect(totals.weakened).toBeGreaterThan(0)
    for (const { command, before, after } of groups)
      for (const [directory, outcome] of [
        [old, before],
        [weaker, after],
      ]) {
        // As a shell would take it apart.
        const words = execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
          .trimEnd()
          .split('\n')
        const { code } = await mcpAuthz(...words.slice(1), '--policies', directory)
        expect(code).toBe(outcome.startsWith('allow') ? 0 : 1)
      }
  })
})

describe('docs/diff.md', () => {
  it('shows what the command says', async () => {
    const [, steps = '', output = ''] =
      /```console\n([\s\S]*?\$ mcp-authz diff policies\/demo candidate --calls 4000)\n([\s\S]*?)\n```/.exec(
        readFileSync(join(packageRoot, 'docs/diff.md'), 'utf8'),
      ) ?? []
    expect(steps).toContain("sed -i 's/n <= 5)/n <= 20)/' candidate/guardrails.yaml")
    const demo = join(packageRoot, 'policies/demo')
    const candidate = at('candidate')
    cpSync(demo, candidate, { recursive: true })
    const file = join(candidate, 'guardrails.yaml')
    const documents = readFileSync(file, 'utf8').split('\n---\n')
    const left = documents.filter(text => !text.includes('name: agents-do-not-delete'))
    writeFileSync(file, left.join('\n---\n').replace('n <= 5)', 'n <= 20)'))
    const { out, code } = await mcpAuthz('diff', demo, candidate, '--calls', '4000', '--seconds', '600')
    expect(out.replaceAll(candidate, 'candidate')).toBe(output)
    expect(code).toBe(2)
  }, 60_000)
})
