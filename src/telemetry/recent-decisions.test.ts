import { describe, expect, it } from 'vitest'
import { type DecisionQuery, type RecentDecision, RecentDecisions } from './recent-decisions.js'

const decision = (id: string, more: Partial<RecentDecision> = {}): RecentDecision => ({
  ...{ id, outcome: 'allow', server: 'files', reason: '', would: [], line: `{"decision_id":"${id}"}` },
  ...more,
})

function ring(capacity: number, decisions: readonly RecentDecision[]): RecentDecisions {
  const recent = new RecentDecisions(capacity)
  for (const one of decisions) recent.add(one)
  return recent
}

const ids = (recent: RecentDecisions, query: Partial<DecisionQuery> = {}) =>
  recent.find({ limit: 100, ...query }).map(({ id }) => id)

describe('RecentDecisions', () => {
  it.each<[string, number, number, string[]]>([
    ['none yet', 3, 0, []],
    ['fewer than fit', 3, 2, ['2', '1']],
    ['as many as fit', 3, 3, ['3', '2', '1']],
    ['one more', 3, 4, ['4', '3', '2']],
    ['many rounds', 3, 11, ['11', '10', '9']],
    ['one place', 1, 5, ['5']],
    ['no place', 0, 5, []],
  ])('%s: newest first', (_name, capacity, count, expected) => {
    const recent = ring(
      capacity,
      Array.from({ length: count }, (_, index) => decision(String(index + 1))),
    )
    expect(ids(recent)).toEqual(expected)
    expect(recent.seen).toBe(count)
  })

  const some = ring(10, [
    decision('a'),
    decision('b', { outcome: 'deny', reason: 'guardrail.violated' }),
    decision('c', { server: 'kubernetes', would: ['authorization.rbac'] }),
    decision('d', { outcome: 'deny', reason: 'guardrails.other' }),
    decision('e', { outcome: 'respond', server: '' }),
  ])
  some.differs('d', '{}')
  some.differs('nobody', '{}')
  it.each<[string, Partial<DecisionQuery>, string[]]>([
    ['all', {}, ['e', 'd', 'c', 'b', 'a']],
    ['as many as asked for', { limit: 2 }, ['e', 'd']],
    ['one by its id', { id: 'b' }, ['b']],
    ['no such id', { id: 'x' }, []],
    ['an outcome', { outcome: 'deny' }, ['d', 'b']],
    ['a Server', { server: 'kubernetes' }, ['c']],
    ['no Server', { server: '' }, ['e']],
    ['a reason', { reason: 'guardrail.violated' }, ['b']],
    ['a stage, and not what begins like it', { reason: 'guardrail' }, ['b']],
    ['a reason of what would have denied', { reason: 'authorization' }, ['c']],
    ['what would have been denied', { would: true }, ['c']],
    ['what would not', { would: false }, ['e', 'd', 'b', 'a']],
    ['what the shadow would not have decided', { shadow: true }, ['d']],
    ['what it would have, too', { shadow: false }, ['e', 'c', 'b', 'a']],
    ['all that is asked for at once', { outcome: 'deny', reason: 'authorization' }, []],
    ['a limit after the filter', { outcome: 'deny', limit: 1 }, ['d']],
  ])('finds %s', (_name, query, expected) => expect(ids(some, query)).toEqual(expected))
})
