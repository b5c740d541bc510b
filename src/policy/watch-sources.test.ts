import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memorySource, namesAsTokens } from '../../test/support/policies.js'
import { createDirectorySource } from './directory-source.js'
import { PolicyStore } from './policy-store.js'
import type { PolicySource } from './source.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = `${head}\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://files.example.com/mcp" }\n`
const guardrail = `${head}\nkind: Guardrail\nmetadata: { name: g }\nspec: { validations: [{ expression: "false" }] }\n`
const interval = 1000
/** In which a load is over that nothing interrupts. */
const moment = 100
const matched = {
  server: 'files',
  tool: 't',
  catalogTool: undefined,
  call: {
    protocol: 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: '1',
    method: 'tools/call',
    target: { kind: 'tool', name: 't' },
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  },
} as const

function storeOf(source: PolicySource) {
  const errors: unknown[] = []
  const loads: number[] = []
  const asked: unknown[] = []
  const store = new PolicyStore({
    sources: [source],
    compile: {},
    assemble: {
      clusters: ['local'],
      authenticator(given) {
        asked.push(given)
        return { value: namesAsTokens({}), findings: [] }
      },
    },
    onLoaded: report => loads.push(report.documents),
    onError: error => errors.push(error),
  })
  return { store, errors, loads, asked }
}

describe('watching sources', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('does not take away what a file held while it is being written', () => {
    const files: Record<string, string> = { 's.yaml': server, 'g.yaml': guardrail }
    const { store, loads } = storeOf(memorySource(files))
    store.load()
    store.watch(interval)
    files['g.yaml'] = ''
    vi.advanceTimersByTime(interval)
    files['g.yaml'] = guardrail.replace('false', 'true')
    vi.advanceTimersByTime(interval)
    expect(loads).toEqual([2])
    vi.advanceTimersByTime(interval + moment)
    expect(loads).toEqual([2, 2])
    files['g.yaml'] = '# nothing any more\n'
    vi.advanceTimersByTime(2 * interval + moment)
    expect(loads).toEqual([2, 2, 1])
    store.stop()
  })

  it('loads a source that never comes to rest all the same', () => {
    const files: Record<string, string> = { 's.yaml': server }
    const { store, loads } = storeOf(memorySource(files))
    store.load()
    store.watch(interval)
    for (let i = 0; i < 12; i++) {
      files['n.yaml'] = `# ${i}`
      vi.advanceTimersByTime(interval)
    }
    expect(loads).toHaveLength(3)
    store.stop()
  })

  it('forgets a change that was taken back', () => {
    const files: Record<string, string> = { 's.yaml': server }
    const { store, loads } = storeOf(memorySource(files))
    store.load()
    store.watch(interval)
    for (const text of ['', server, '', server, server]) {
      files['s.yaml'] = text
      vi.advanceTimersByTime(interval)
    }
    expect(loads).toHaveLength(1)
    store.stop()
  })

  it.each(['fingerprint', 'read'] as const)(
    'goes on when %s of a source throws, and loads when it does no more',
    method => {
      const files: Record<string, string> = { 's.yaml': server }
      const inner = memorySource(files)
      let bad = false
      const source: PolicySource = {
        ...inner,
        [method]: () => {
          if (bad) throw new Error('boom')
          return inner[method]()
        },
      }
      const { store, errors, loads } = storeOf(source)
      store.load()
      store.watch(interval)
      bad = true
      files['g.yaml'] = guardrail
      vi.advanceTimersByTime(4 * interval)
      expect(errors.length).toBeGreaterThan(1)
      expect(store.current?.documents).toBe(1)
      bad = false
      vi.advanceTimersByTime(2 * interval + moment)
      expect(loads).toEqual([1, 2])
      store.stop()
    },
  )
})

describe('a load in slices', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    // Each look at the clock is late: a slice is as short as it can be.
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 20))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  const many = (expression: string) =>
    Array.from({ length: 200 }, (_, n) =>
      guardrail.replace('name: g', `name: g${n}`).replace('"false"', `"${expression}"`),
    ).join('---\n')

  it.each([true, false])('changes nothing before it is through (of an atomic source: %s)', atomic => {
    const files: Record<string, string> = { 's.yaml': server, 'g.yaml': many('true') }
    const { store, loads, asked } = storeOf({ ...memorySource(files), atomic })
    store.load()
    const before = store.current
    store.watch(interval)
    files['g.yaml'] = many('1 == 1')
    let slices = 0
    for (; loads.length === 1 && slices < 10_000; slices++) {
      expect(store.current).toBe(before)
      expect(store.report?.revision).toBe(before?.revision)
      expect(asked).toHaveLength(1)
      vi.advanceTimersByTime(10)
    }
    expect(slices).toBeGreaterThan(200)
    expect(loads).toEqual([201, 201])
    expect(asked).toHaveLength(2)
    expect(store.current?.revision).not.toBe(before?.revision)
    vi.advanceTimersByTime(60_000)
    expect(loads).toHaveLength(2)
    store.stop()
  })

  it('is given up when another one has overtaken it', () => {
    const files: Record<string, string> = { 's.yaml': server, 'g.yaml': many('true') }
    const { store, loads, errors } = storeOf({ ...memorySource(files), atomic: true })
    store.load()
    store.watch(interval)
    files['g.yaml'] = many('1 == 1')
    store.changed()
    vi.advanceTimersByTime(1000)
    expect(loads).toHaveLength(1)
    files['g.yaml'] = many('2 == 2')
    const { revision } = store.load()
    vi.advanceTimersByTime(60_000)
    expect(store.current?.revision).toBe(revision)
    expect(loads).toHaveLength(2)
    expect(errors).toEqual([])
    store.stop()
  })

  it('is followed by another when a file came to rest meanwhile', () => {
    const files: Record<string, string> = { 's.yaml': server, 'g.yaml': many('true') }
    const { store, loads } = storeOf(memorySource(files))
    store.load()
    store.watch(interval)
    files['g.yaml'] = many('1 == 1')
    vi.advanceTimersByTime(2 * interval + moment)
    expect(loads).toHaveLength(1)
    files['g.yaml'] = `${many('2 == 2')}---\n${guardrail}`
    vi.advanceTimersByTime(60_000)
    expect(loads).toEqual([201, 201, 202])
    store.stop()
  })
})

describe('a directory while mcp-authz runs', () => {
  let directory = ''
  let policies = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mcp-authz-watch-'))
    policies = join(directory, 'policies')
    mkdirSync(policies)
    writeFileSync(join(policies, 's.yaml'), server)
    writeFileSync(join(policies, 'g.yaml'), guardrail)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it.each([
    ['a file becomes too large', () => writeFileSync(join(policies, 'g.yaml'), `# ${'x'.repeat(1024 * 1024)}`)],
    [
      'a file becomes a link to nothing',
      () => {
        rmSync(join(policies, 'g.yaml'))
        symlinkSync('nowhere', join(policies, 'g.yaml'))
      },
    ],
    [
      'a file becomes a link to itself',
      () => {
        rmSync(join(policies, 'g.yaml'))
        symlinkSync('g.yaml', join(policies, 'g.yaml'))
      },
    ],
    ['a folder contains itself', () => symlinkSync('.', join(policies, 'loop'))],
    ['it goes away', () => renameSync(policies, join(directory, 'elsewhere'))],
  ])('%s: what it gave stays', (_, harm) => {
    const { store, loads } = storeOf(createDirectorySource({ directory: policies }))
    store.load()
    harm()
    const report = store.load()
    expect(loads).toEqual([2, 2])
    expect(report.broken).not.toEqual([])
    expect(store.load().documents).toBe(2)
    expect(
      report.broken.filter(name => store.current?.broken.candidates(matched).some(one => one.name === name)),
    ).toEqual([])
  })
})
