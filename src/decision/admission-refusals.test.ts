import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { Refusals, type RefusedWork } from './admission-refusals.js'

const listener = { ...inbound().listener, name: 'one' }
const request = inbound()

function refusals(eachPerWindow?: number) {
  const told: RefusedWork[] = []
  const made = new Refusals({
    onRefused: refused => told.push(refused),
    ...(eachPerWindow !== undefined && { eachPerWindow }),
  })
  return { told, made }
}

describe('Refusals', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('are denials that a client may try again', () => {
    const { answer, failure, outcome } = refusals().made.refuse('event_loop', listener, () => request)
    expect({ outcome, reason: failure?.reason }).toEqual({ outcome: 'deny', reason: 'dependency.overloaded' })
    expect(answer).toMatchObject({ kind: 'respond', status: 503 })
    expect(answer.kind === 'respond' && answer.headers).toContainEqual({ name: 'retry-after', value: '1' })
  })

  it('are told one by one as long as they are few', () => {
    const { told, made } = refusals()
    const ids = Array.from({ length: 10 }, () => made.refuse('memory', listener, () => request).id)
    expect(new Set(ids).size).toBe(10)
    expect(told.map(one => [one.decision.id, one.request, one.requests])).toEqual(ids.map(id => [id, request, 1]))
    vi.advanceTimersByTime(1000)
    expect(told).toHaveLength(10)
  })

  it('beyond that share a decision, which is told with their number', () => {
    const { told, made } = refusals()
    const read = vi.fn(() => request)
    const ids = Array.from({ length: 500 }, () => made.refuse('event_loop', listener, read).id)
    expect(read).toHaveBeenCalledTimes(10)
    expect(told).toHaveLength(10)
    vi.advanceTimersByTime(1000)
    expect(told).toHaveLength(11)
    expect(told[10]).toMatchObject({ cause: 'event_loop', listener, request: undefined, requests: 490 })
    expect(new Set(ids)).toEqual(new Set(told.map(({ decision }) => decision.id)))
  })

  it('begin anew each second', () => {
    const { told, made } = refusals(2)
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 5; i++) made.refuse('event_loop', listener, () => undefined)
      vi.advanceTimersByTime(1000)
    }
    expect(told.map(({ requests }) => requests)).toEqual([1, 1, 3, 1, 1, 3, 1, 1, 3])
    expect(new Set(told.map(({ decision }) => decision.id)).size).toBe(9)
  })

  it('are kept apart by listener and cause', () => {
    const { told, made } = refusals(1)
    const other = { ...listener, name: 'other' }
    for (const cause of ['event_loop', 'memory'] as const)
      for (const one of [listener, other]) for (let i = 0; i < 3; i++) made.refuse(cause, one, () => undefined)
    made.flush()
    expect(told.reduce((sum, { requests }) => sum + requests, 0)).toBe(12)
    expect(told.filter(({ requests }) => requests === 2)).toHaveLength(4)
  })

  it('are told at the end', () => {
    const { told, made } = refusals(1)
    for (let i = 0; i < 7; i++) made.refuse('event_loop', listener, () => undefined)
    made.flush()
    expect(told.map(({ requests }) => requests)).toEqual([1, 6])
    vi.advanceTimersByTime(5000)
    made.flush()
    expect(told).toHaveLength(2)
  })
})
