import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { Admission } from './admission.js'
import type { RefusedWork } from './admission-refusals.js'
import type { Decision } from './decision.js'
import { emergencyDecision } from './emergency-decision.js'

const decision = emergencyDecision('policy.not_loaded', 'for the test')
const request = inbound()

function admission({ above = false } = {}) {
  let time = 0
  let endTurn = () => {}
  const told: RefusedWork[] = []
  const made = new Admission({
    // Five times that where there was no overload before.
    maxTurnMs: 20,
    memory: { limitBytes: 100, read: () => (above ? 101 : 99), collect: () => {}, now: () => 0 },
    turnClock: {
      now: () => time,
      idle: () => 0,
      atEnd: end => {
        endTurn = end
      },
    },
    onRefused: refused => told.push(refused),
  })
  let asked = 0
  const slow = (): Decision => {
    asked++
    time += 40
    return decision
  }
  return { made, told, slow, asked: () => asked, end: () => endTurn() }
}

describe('Admission', () => {
  it('lets nobody in while the turn is too long, and everybody when it is over', () => {
    const { made, told, slow, asked, end } = admission()
    const decide = made.guarding(slow)
    const reasons = () => Array.from({ length: 6 }, () => decide(request)).map(one => one === decision)
    expect(reasons()).toEqual([true, true, true, true, false, false])
    expect(asked()).toBe(4)
    expect(told.map(({ cause, request: of }) => [cause, of])).toEqual([
      ['event_loop', request],
      ['event_loop', request],
    ])
    end()
    expect(decide(request)).toBe(decision)
  })

  it('lets nobody in while memory is short', () => {
    const { made, told, slow, asked } = admission({ above: true })
    expect(made.guarding(slow)(request)).toMatchObject({
      outcome: 'deny',
      failure: { reason: 'dependency.overloaded' },
    })
    expect(asked()).toBe(0)
    expect(told.map(({ cause }) => cause)).toEqual(['memory'])
  })

  it('counts what waits, also what fails', async () => {
    const { made } = admission()
    let fail: (error: Error) => void = () => {}
    let settle: (decision: Decision) => void = () => {}
    const waiting = [
      new Promise<Decision>(resolve => {
        settle = resolve
      }),
      new Promise<Decision>((_resolve, reject) => {
        fail = reject
      }),
    ]
    const decide = made.counting(() => waiting.pop() ?? decision)
    const failing = decide(request)
    const settling = decide(request)
    decide(request)
    expect(made.inFlight).toBe(2)
    settle(decision)
    fail(new Error('a bug'))
    await expect(failing).rejects.toThrow('a bug')
    expect(await settling).toBe(decision)
    expect(made.inFlight).toBe(0)
  })

  it('what waited and goes on takes time of the turn as well', async () => {
    const { made, slow } = admission()
    const goesOn = made.counting(() => Promise.resolve().then(slow))
    for (let i = 0; i < 7; i++) await goesOn(request)
    expect(made.refusal(request.listener, () => undefined)).toMatchObject({ outcome: 'deny' })
  })

  it('tells what it has not told when it ends', () => {
    const { made, told } = admission({ above: true })
    for (let i = 0; i < 15; i++) made.refusal(request.listener, () => undefined)
    made.stop()
    expect(told.reduce((sum, { requests }) => sum + requests, 0)).toBe(15)
  })
})
