import { describe, expect, it } from 'vitest'
import { RecentDecisions } from './recent-decisions.js'
import { readRecordedDecision } from './recorded-decision.js'

const id = '50883324-87c0-4e22-b6b5-af6a95697034'
const line = (rest: string, version = 'decision') =>
  `{"version":"mcp-authz.dev/${version}/v1","decision_id":"${id}","timestamp":"2026-07-15T08:30:00.000Z"${rest}}`

describe('readRecordedDecision', () => {
  it.each([
    [
      'a denial',
      ',"mode":"enforce","decision":"deny","reason":"guardrail.violated","server":"files"',
      { outcome: 'deny', reason: 'guardrail.violated', server: 'files', would: [] },
    ],
    [
      'an allow that would be denied',
      ',"mode":"audit","decision":"allow","would_deny":[{"reason":"authorization.rbac"},{"reason":"guardrail.violated"}]',
      { outcome: 'allow', reason: '', server: '', would: ['authorization.rbac', 'guardrail.violated'] },
    ],
    ['an answer', ',"decision":"respond"', { outcome: 'respond', reason: '', server: '', would: [] }],
  ])('knows %s', (_name, rest, expected) => {
    const read = readRecordedDecision(line(rest))
    expect(read).toMatchObject({ kind: 'decision', decision: { id, line: line(rest), ...expected } })
  })

  it('knows a difference of the shadow, and takes nothing else for a decision', () => {
    expect(readRecordedDecision(line('', 'shadow'))).toEqual({ kind: 'difference', id })
    for (const other of [line('', 'result'), '{"version":"mcp-authz.dev/log/v1","event":"lost","lost":1}', '', 'x'])
      expect(readRecordedDecision(other)).toEqual({ kind: 'other' })
  })

  it('can be found among recent decisions, also with a difference', () => {
    const recent = new RecentDecisions(2)
    const read = readRecordedDecision(line(',"decision":"deny","reason":"guardrail.violated","server":"files"'))
    if (read.kind !== 'decision') throw new Error('not a decision')
    recent.add(read.decision)
    recent.differs(id, 'difference')
    const query = { limit: 1, outcome: 'deny', server: 'files', reason: 'guardrail' } as const
    expect(recent.find(query)).toMatchObject([{ id, shadow: 'difference', reason: 'guardrail.violated' }])
    expect(recent.find({ ...query, server: 'flies' })).toEqual([])
  })
})
