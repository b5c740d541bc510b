import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../package-root.js'
import { grant, guardrail, server } from '../workbench/replay/replay.fixture.js'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-bench-'))
afterAll(() => rmSync(folder, { recursive: true }))
const demo = join(packageRoot, 'policies/demo')

function policies(name: string, documents: readonly string[]): string {
  const directory = join(folder, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'policies.yaml'), documents.join('\n---\n'))
  return directory
}

const costly = policies('costly', [
  server('srv'),
  grant('everybody', { match: { servers: ['*'], tools: ['pay', 'list'] } }),
  guardrail('cheap', 'args.size() < 100'),
  guardrail('dear', 'lists.range(400).all(i, i < 400 + args.size())', { match: { servers: ['*'], tools: ['pay'] } }),
])
const closed = policies('closed', [server('srv')])

async function bench(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    env: {},
    signal: new AbortController().signal,
  }
  return { code: await run(['bench', ...args], io), out: out.join('\n'), err: err.join('\n') }
}

describe('bench', () => {
  it('measures the calls of the tests beside the policies', async () => {
    const { code, out } = await bench('--policies', demo, '--seconds', '0.3')
    expect(code).toBe(0)
    expect(out).toMatch(/^the costliest first/)
    expect(out).toMatch(/kubernetes\/resources_scale +\d+ +\d+\.\d +\d+\.\d +\d+\.\d\n/)
    expect(out).toMatch(/\nall +\d+/)
    expect(out).toMatch(/kinds of calls \(of policy tests\)/)
  })

  it('finds what is costly, by share and by cost units', async () => {
    const { code, out } = await bench('--policies', costly, '--seconds', '1', '-o', 'json')
    expect(code).toBe(0)
    const report = JSON.parse(out)
    expect(report).toMatchObject({ version: 'mcp-authz.dev/bench/v1', callsFrom: 'made up' })
    expect(report.calls[0]).toMatchObject({ server: 'srv', what: 'pay' })
    expect(report.calls[0].floorRatio).toBeGreaterThan(2)
    const [first, second] = report.guardrails
    expect([first.name, second.name]).toEqual(['dear', 'cheap'])
    expect(first.units).toBeGreaterThan(20 * second.units)
    expect(first.share).toBeGreaterThan(second.share)
    const shares: number[] = Object.values(report.stages)
    expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1)
    expect(report.stages.guardrails).toBeGreaterThan(report.stages.framing)
    for (const { p50Micros, p99Micros } of report.calls) expect(p50Micros).toBeLessThanOrEqual(p99Micros)
  })

  it('takes the calls of a file', async () => {
    const { out } = await bench('-p', demo, '--calls', join(demo, 'demo_test.yaml'), '--seconds', '0.2', '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({ callsFrom: 'tests', permissionsGiven: false })
  })

  it.each<[string, string[], RegExp]>([
    ['no time', ['-p', demo, '--seconds', '0'], /--seconds is a number above 0/],
    ['a word too many', ['-p', demo, 'x'], /takes no arguments/],
    ['a file that holds no tests', ['-p', demo, '--calls', join(demo, 'server.yaml')], /is no file of tests/],
  ])('refuses %s', async (_, args, err) => {
    const answer = await bench(...args)
    expect(answer.err).toMatch(err)
    expect(answer.code).toBe(1)
  })

  it('measures lists where nobody may call a tool', async () => {
    const { code, out } = await bench('-p', closed, '--seconds', '0.2', '-o', 'json')
    expect(code).toBe(0)
    expect(
      JSON.parse(out)
        .calls.map(({ what }: { what: string }) => what)
        .sort(),
    ).toEqual(['ping', 'tools/list'])
  })
})
