import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfig } from './config/load-config.js'
import { serveAsWorker } from './serve-as-worker.js'
import type { FromWorker, ToWorker } from './workers/worker-messages.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

class FakeProcess extends EventEmitter {
  connected = true
  readonly said: FromWorker[] = []
  send(message: FromWorker, _handle: undefined, _options: object, done: () => void): boolean {
    this.said.push(message)
    setImmediate(done)
    return true
  }
  tell(message: ToWorker, handle?: Socket): void {
    this.emit('message', message, handle)
  }
  types(): readonly string[] {
    return this.said.map(({ type }) => type)
  }
}

/** @param anonymous the policies need no issuer, so that the worker is ready at once */
function worker({ anonymous = true, openWithinMs = 0, policies = '' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'worker-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'policies.yaml')
  const identity = anonymous ? ', anonymous: Allow' : ''
  const server = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://files.example.com/mcp"${identity} }\n`
  writeFileSync(file, policies || server)
  const loaded = loadConfig({
    flags: [
      ['sources.0.directory', file],
      ['log.level', 'silent'],
      ['shutdown.drainSeconds', '1'],
      ['admin.port', '1'],
    ],
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  const process = new FakeProcess()
  const signal = new AbortController()
  const openPipe = () => new Writable({ write: (_chunk, _encoding, done) => done() })
  const ended = serveAsWorker({ process, env: {}, signal: signal.signal, openPipe })
  cleanups.push(async () => {
    process.tell({ type: 'stop' })
    await ended
  })
  const bound = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const
  process.tell({ type: 'start', number: 1, config: loaded.config, listeners: [bound], openWithinMs })
  return { process, ended, signal }
}

const connection = (id: number) => ({ type: 'connection', id, listener: 0 }) as const

describe('a worker', () => {
  it('opens, tells its state, takes connections, and ends when it is asked to', async () => {
    const { process, ended } = worker()
    await expect.poll(() => process.types()).toContain('opened')
    await expect.poll(() => process.said).toContainEqual({ type: 'state', ready: true, reasons: [] })
    process.tell(connection(7), new Socket())
    expect(process.said).toContainEqual({ type: 'taken', id: 7 })
    process.tell({ type: 'collect', id: 3 })
    await expect.poll(() => process.types()).toContain('metrics')
    process.tell({ type: 'retire' })
    await expect.poll(() => process.said).toContainEqual(expect.objectContaining({ type: 'state', ready: false }))
    process.tell({ type: 'stop' })
    expect(await ended).toBe(0)
    // What it has counted, for the last time.
    expect(process.said.at(-1)).toMatchObject({ type: 'metrics', id: 0 })
    process.tell(connection(8), new Socket())
    expect(process.said).toContainEqual({ type: 'refused', id: 8 })
  })

  it('that takes the place of another opens when it is ready', async () => {
    const began = performance.now()
    const { process } = worker({ openWithinMs: 20_000 })
    await expect.poll(() => process.types(), { timeout: 5000 }).toContain('opened')
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(process.said.filter(({ type }) => type === 'state')[0]).toMatchObject({ ready: true })
  })

  it('that does not get ready opens all the same, after that time', async () => {
    const began = performance.now()
    const { process } = worker({ anonymous: false, openWithinMs: 700 })
    await expect.poll(() => process.types(), { timeout: 5000 }).toContain('opened')
    expect(performance.now() - began).toBeGreaterThan(690)
    expect(process.said).toContainEqual({ type: 'state', ready: false, reasons: ['identity: no issuer is configured'] })
  })

  it('refuses connections before it is open', async () => {
    const { process } = worker({ anonymous: false, openWithinMs: 60_000 })
    const early = new Socket()
    process.tell(connection(1), early)
    expect(process.said).toContainEqual({ type: 'refused', id: 1 })
    expect(early.destroyed).toBe(true)
  })

  it('ends when its primary is gone, and when the system asks it alone', async () => {
    const [orphan, told] = [worker(), worker()]
    await expect.poll(() => [orphan, told].every(({ process }) => process.types().includes('opened'))).toBe(true)
    orphan.process.connected = false
    orphan.process.emit('disconnect')
    told.signal.abort()
    expect(await Promise.all([orphan.ended, told.ended])).toEqual([0, 0])
  })

  it('that cannot start says why', async () => {
    const policies =
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://files.example.com/mcp", identity: gatewayMetadata }\n'
    const { process, ended } = worker({ policies })
    expect(await ended).toBe(1)
    expect(process.said.at(-1)).toMatchObject({ type: 'failed', message: expect.stringContaining('trusts its peer') })
  })

  it('passes over messages that are none of ours', async () => {
    const { process } = worker()
    for (const message of [undefined, null, 'x', { type: 'other' }, { type: 'connection' }, connection(9)])
      process.emit('message', message, {})
    await expect.poll(() => process.types()).toContain('opened')
    expect(process.types()).not.toContain('taken')
  })
})
