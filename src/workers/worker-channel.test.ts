import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WorkerChannel } from './worker-channel.js'
import type { FromWorker, WorkerState } from './worker-messages.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

class Primary extends EventEmitter {
  connected = true
  readonly heard: FromWorker[] = []
  send(message: FromWorker, _handle: undefined, _options: object, done: () => void): boolean {
    this.heard.push(message)
    done()
    return true
  }
}

it('tells the primary what it does not know by itself, once', () => {
  const primary = new Primary()
  const channel = new WorkerChannel(primary)
  let state: WorkerState = { ready: false, reasons: ['identity: no keys yet'] }
  channel.serve({ collect: async () => [], readiness: () => state, retire: () => undefined })
  const told = (next: WorkerState) => {
    state = next
    vi.advanceTimersByTime(300)
    return primary.heard.splice(0)
  }
  expect(told(state)).toEqual([{ type: 'state', ready: false, reasons: ['identity: no keys yet'] }])
  expect(told({ ready: true, reasons: ['audit: the Server files denies nothing'] })).toEqual([
    { type: 'state', ready: true, reasons: [] },
  ])
  const short = 'overload: more memory is in use than overload.memoryBytes; requests are refused'
  expect(told({ ready: true, reasons: ['audit: the Server files denies nothing', short] })).toEqual([
    { type: 'state', ready: true, reasons: [short] },
  ])
  expect(told({ ready: true, reasons: [] })).toEqual([{ type: 'state', ready: true, reasons: [] }])
  expect(told(state)).toEqual([])
})

it('says nothing after it has said why it failed', async () => {
  const primary = new Primary()
  const channel = new WorkerChannel(primary)
  let ready = true
  channel.serve({ collect: async () => [], readiness: () => ({ ready, reasons: [] }), retire: () => undefined })
  vi.advanceTimersByTime(300)
  const failed = channel.failed(new Error('no certificate'))
  ready = false
  vi.advanceTimersByTime(300)
  await failed
  expect(primary.heard.at(-1)).toEqual({ type: 'failed', message: 'no certificate' })
})
