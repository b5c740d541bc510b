import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../config/load-config.js'
import { createMetrics } from '../telemetry/metrics.js'
import type { FromWorker, ToWorker } from './worker-messages.js'
import { WorkerPool } from './worker-pool.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** The process of a worker that does what a test says. */
class FakeChild extends EventEmitter {
  static made: FakeChild[] = []
  readonly pid = 1
  connected = true
  readonly records = new PassThrough()
  readonly stdio = [null, null, null, this.records]
  readonly told: ToWorker[] = []
  killed = false
  constructor() {
    super()
    FakeChild.made.push(this)
  }
  send(message: ToWorker): boolean {
    this.told.push(message)
    if (message.type === 'stop') this.end(0)
    return true
  }
  kill(): boolean {
    this.killed = true
    this.end(null, 'SIGKILL')
    return true
  }
  say(message: FromWorker): void {
    this.emit('message', message)
  }
  open(): void {
    this.say({ type: 'opened' })
    this.say({ type: 'state', ready: true, reasons: [] })
  }
  end(code: number | null, signal: string | null = null): void {
    this.connected = false
    this.emit('exit', code, signal)
    this.records.destroy()
  }
}

/** The only place where a fake is taken for the real one. */
function launched(child: unknown): child is ChildProcess {
  return child instanceof FakeChild
}

function poolOf(count: number, looks: { lookEveryMs?: number; deadAfterMs?: number } = {}) {
  const loaded = loadConfig({ flags: [['listeners.0.port', '0']] })
  if (!loaded.ok) throw new Error('the configuration is wrong')
  FakeChild.made = []
  const records: string[] = []
  const failures: number[] = []
  const said: string[] = []
  const note = (message: string) => void said.push(message)
  const pool = new WorkerPool({
    ...{ config: loaded.config, count, settleMs: 150, ...looks },
    launch: () => {
      const child: unknown = new FakeChild()
      if (!launched(child)) throw new Error('no process')
      return child
    },
    listen: async () => ({ kind: 'tcp', host: '127.0.0.1', port: 7 }),
    onRecord: line => records.push(line),
    log: { debug: note, info: note, warn: note, error: note },
    restartDelayMs: many => {
      failures.push(many)
      return 1
    },
  })
  cleanups.push(() => pool.stop(0))
  const child = async (index: number): Promise<FakeChild> => {
    await expect.poll(() => FakeChild.made.length).toBeGreaterThan(index)
    const made = FakeChild.made[index]
    if (made === undefined) throw new Error('no such process')
    return made
  }
  return { pool, child, records, failures, said }
}

async function opened(count: number, looks: Parameters<typeof poolOf>[1] = {}) {
  const parts = poolOf(count, looks)
  const started = parts.pool.start()
  for (let i = 0; i < count; i++) (await parts.child(i)).open()
  await started
  return parts
}

describe('a pool of workers', () => {
  it('is there when all of them are open, and ready when one is', async () => {
    const { pool, child } = poolOf(2)
    let there = false
    const started = pool.start().then(addresses => {
      there = true
      return addresses
    })
    ;(await child(0)).say({ type: 'opened' })
    expect(pool.readiness).toEqual({ ready: false, reasons: ['worker 1 is not ready', 'worker 2 starts'] })
    await new Promise(setImmediate)
    expect(there).toBe(false)
    const second = await child(1)
    second.say({ type: 'opened' })
    expect(await started).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 7 }])
    second.say({ type: 'state', ready: false, reasons: ['identity: no issuer is configured'] })
    expect(pool.readiness.reasons[1]).toBe('worker 2 is not ready: identity: no issuer is configured')
    second.open()
    expect(pool.readiness).toEqual({ ready: false, reasons: ['worker 1 is not ready'] })
    await expect.poll(() => pool.readiness).toEqual({ ready: true, reasons: ['worker 1 is not ready'] })
    expect(pool.counts.states).toEqual({ ready: 1, unready: 1, starting: 0, waiting: 0 })
    expect(second.told[0]).toMatchObject({ type: 'start', number: 2, openWithinMs: 0, listeners: [{ port: 7 }] })
  })

  it('is ready while all of them refuse work for want of memory, and says so', async () => {
    const { pool, child } = await opened(2)
    for (const index of [0, 1])
      (await child(index)).say({ type: 'state', ready: true, reasons: ['overload: no memory'] })
    expect(pool.readiness).toEqual({
      ready: true,
      reasons: ['worker 1: overload: no memory', 'worker 2: overload: no memory'],
    })
  })

  it.each([
    ['in its own words', { type: 'failed', message: 'no certificate' } as const, 'no certificate'],
    ['or how it ended', undefined, 'worker 1 ended while it started: exit code 1'],
  ])('does not start when one cannot, %s', async (_name, message, expected) => {
    const { pool, child } = poolOf(2)
    const started = pool.start()
    const first = await child(0)
    if (message !== undefined) first.say(message)
    first.end(1)
    await expect(started).rejects.toThrow(expected)
  })

  it('starts another in place of one that ended, later each time that it fails', async () => {
    const { pool, child, failures, said } = await opened(2)
    expect(pool.readiness).toEqual({ ready: true, reasons: [] })
    ;(await child(0)).end(null, 'SIGKILL')
    for (const index of [2, 3, 4]) {
      const next = await child(index)
      expect(next.told[0]).toMatchObject({ type: 'start', number: 1, openWithinMs: 30_000 })
      next.end(1)
    }
    const last = await child(5)
    expect(pool.readiness).toEqual({ ready: true, reasons: ['worker 1 starts: it ended (exit code 1)'] })
    last.open()
    expect(pool.readiness).toEqual({ ready: true, reasons: [] })
    expect([failures, pool.counts.restarts]).toEqual([[0, 1, 2, 3], 4])
    expect(said[0]).toMatch(/^worker 1 ended \(SIGKILL\); .* started again in 0.001 s$/)
    expect(said.at(-1)).toBe('worker 1 is open again')
  })

  it('starts none while it ends', async () => {
    const { pool, child } = await opened(2)
    pool.retire()
    ;(await child(0)).end(0)
    await pool.stop(100)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(FakeChild.made).toHaveLength(2)
    expect((await child(1)).told.map(({ type }) => type)).toEqual(['start', 'retire', 'retire', 'stop'])
  })

  it('hands on whole records, and tells of one that was not written to its end', async () => {
    const { pool, child, records } = await opened(1)
    const first = await child(0)
    first.records.write('{"a":1}\n{"b":2}\n{"c"')
    await expect.poll(() => records).toEqual(['{"a":1}', '{"b":2}'])
    first.records.end()
    await expect.poll(() => records).toHaveLength(3)
    expect(JSON.parse(records[2] ?? '')).toMatchObject({ version: 'mcp-authz.dev/log/v1', event: 'lost', lost: 1 })
    expect(pool.lostRecords).toBe(1)
  })
})

describe('the metrics of a pool', () => {
  const valuesOf = async (droppedRecords: number) => [
    ...(await createMetrics({ droppedRecords: () => droppedRecords, defaults: false }).collect()),
  ]
  const dropped = async (pool: WorkerPool) =>
    (await pool.collect())
      .flat()
      .filter(({ name }) => name === 'mcp_authz_decision_records_dropped_total')
      .reduce((sum, { values }) => sum + (values[0]?.value ?? 0), 0)
  const gauges = async (pool: WorkerPool) =>
    (await pool.collect()).flat().filter(({ name }) => name === 'mcp_authz_policy_broken_documents').length

  /** Answers what it is asked with these metrics; undefined: not at all. */
  function answering(child: FakeChild, values: () => Awaited<ReturnType<typeof valuesOf>> | undefined) {
    child.send = message => {
      const told = values()
      if (message.type === 'collect' && told !== undefined)
        setImmediate(() => child.say({ type: 'metrics', id: message.id, values: told }))
      if (message.type === 'stop') child.end(0)
      return true
    }
  }

  it('never go down: of one that is gone, or does not answer, what it told last counts', async () => {
    const { pool, child } = await opened(2)
    const [first, second] = [await child(0), await child(1)]
    const [ten, three] = [await valuesOf(10), await valuesOf(3)]
    let hung = false
    answering(first, () => ten)
    answering(second, () => (hung ? undefined : three))
    expect([await dropped(pool), await gauges(pool), pool.counts.missedCollections]).toEqual([13, 2, 0])
    hung = true
    expect(await dropped(pool)).toBe(13)
    // What it is now nobody knows.
    expect([await gauges(pool), pool.counts.missedCollections]).toEqual([1, 2])
    first.end(null, 'SIGSEGV')
    ;(await child(2)).open()
    answering(await child(2), () => three)
    hung = false
    expect(await dropped(pool)).toBe(16)
  })

  it('show who hangs: such a worker is killed', async () => {
    const { child } = await opened(2, { lookEveryMs: 100, deadAfterMs: 1000 })
    const [first, second] = [await child(0), await child(1)]
    const values = await valuesOf(1)
    answering(first, () => values)
    answering(second, () => undefined)
    await expect.poll(() => second.killed, { timeout: 10_000 }).toBe(true)
    expect(first.killed).toBe(false)
  })
})
