import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionDesk, type ConnectionTaker } from './connection-desk.js'

afterEach(() => void vi.useRealTimers())

class Taker implements ConnectionTaker {
  isOpen = true
  state: ConnectionTaker['state'] = { ready: true, reasons: [] }
  connections = 0
  readonly has: number[] = []
  give(id: number): void {
    this.connections++
    this.has.push(id)
  }
}

function deskOf(...takers: Taker[]) {
  const desk = new ConnectionDesk({ takers: () => takers, maxHeld: 3, patienceMs: 1000 })
  const add = () => {
    const connection = new Socket()
    desk.add(0, connection)
    return connection
  }
  return { desk, add }
}

describe('ConnectionDesk', () => {
  it('gives to the one that has the fewest', () => {
    const [a, b] = [new Taker(), new Taker()]
    a.connections = 2
    const { add } = deskOf(a, b)
    for (let i = 0; i < 3; i++) add()
    expect([a.has, b.has]).toEqual([[3], [1, 2]])
  })

  it('gives to one that is not ready only if none is', () => {
    const [a, b] = [new Taker(), new Taker()]
    a.state = { ready: false, reasons: [] }
    b.connections = 5
    const { add } = deskOf(a, b)
    add()
    b.state = { ready: false, reasons: [] }
    add()
    expect([a.has, b.has]).toEqual([[2], [1]])
  })

  it('gives to one that refuses work only if all do', () => {
    const [a, b] = [new Taker(), new Taker()]
    a.state = { ready: true, reasons: ['overload: no memory'] }
    b.connections = 5
    const { add } = deskOf(a, b)
    add()
    b.state = a.state
    add()
    expect([a.has, b.has]).toEqual([[2], [1]])
  })

  it('gives to one that leaves others lying only if all do', () => {
    vi.useFakeTimers()
    const [a, b] = [new Taker(), new Taker()]
    b.connections = 5
    const { add } = deskOf(a, b)
    add()
    vi.advanceTimersByTime(300)
    add()
    vi.advanceTimersByTime(300)
    add()
    expect([a.has, b.has]).toEqual([[1, 3], [2]])
  })

  it('lets go of what was taken, and keeps the rest', () => {
    const a = new Taker()
    const { desk, add } = deskOf(a)
    const [taken, kept] = [add(), add()]
    desk.given(1, true)
    expect([taken.destroyed, kept.destroyed]).toEqual([true, false])
  })

  it('gives to another what one that died has not taken', () => {
    const [a, b] = [new Taker(), new Taker()]
    b.connections = 10
    const { desk, add } = deskOf(a, b)
    const [taken, lost] = [add(), add()]
    desk.given(1, true)
    a.isOpen = false
    desk.changed()
    expect([b.has, taken.destroyed, lost.destroyed]).toEqual([[2], true, false])
  })

  it('gives to another what one has refused', () => {
    const [a, b] = [new Taker(), new Taker()]
    b.connections = 10
    const { desk, add } = deskOf(a, b)
    add()
    a.isOpen = false
    desk.given(1, false)
    expect(b.has).toEqual([1])
  })

  it('lets a connection wait for somebody, not for long, and not many', () => {
    vi.useFakeTimers()
    const a = new Taker()
    a.isOpen = false
    const { desk, add } = deskOf(a)
    const waiting = [add(), add(), add()]
    expect(add().destroyed).toBe(true)
    expect(waiting.map(({ destroyed }) => destroyed)).toEqual([false, false, false])
    a.isOpen = true
    desk.changed()
    expect(a.has).toEqual([1, 2, 3])
    desk.given(1, true)
    vi.advanceTimersByTime(1001)
    expect(waiting.map(({ destroyed }) => destroyed)).toEqual([true, true, true])
  })

  it('takes nothing more once it is closed', () => {
    const a = new Taker()
    const { desk, add } = deskOf(a)
    const before = add()
    desk.close()
    expect([before.destroyed, add().destroyed, a.has]).toEqual([true, true, [1]])
  })

  it('is not disturbed by a connection that breaks', () => {
    const { add } = deskOf()
    expect(() => EventEmitter.prototype.emit.call(add(), 'error', new Error('ECONNRESET'))).not.toThrow()
  })
})
