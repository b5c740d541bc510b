import { describe, expect, it } from 'vitest'
import { allowed, denied } from './authzen.fixture.js'
import { writeEvaluation } from './write-evaluation.js'

describe('writeEvaluation', () => {
  it('says of an allow what the gateway may log', () => {
    const failure = denied.failure ?? expect.fail()
    const warned = { ...allowed, warnings: ['mind\nthe gap'], would: [failure, failure] }
    expect(writeEvaluation(warned, true)).toEqual({
      decision: true,
      context: {
        decision_id: 'd1',
        policy_revision: 'r1',
        would_deny: ['guardrail.violated'],
        warnings: ['mind the gap'],
      },
    })
  })

  it('keeps headers for the server behind to itself', () => {
    expect(JSON.stringify(writeEvaluation(allowed, true))).not.toContain('x-mcp-authz-user')
  })

  it('says of a denial what the model reads, and to the administrator which rule it was', () => {
    const { decision, context } = writeEvaluation(denied, true)
    expect(decision).toBe(false)
    expect(context).toEqual({
      decision_id: 'd2',
      policy_revision: 'r1',
      id: 'guardrail.violated',
      reason_admin: { en: 'guardrail.violated by Guardrail/replica-cap (ReplicaCap)' },
      reason_user: { en: expect.stringContaining('at most 5 replicas; you asked for 10') },
      reason: 'guardrail.violated',
      policy_reason: 'ReplicaCap',
      hints: ['Ask for 5 or fewer.'],
      response: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: denied.answer.kind === 'respond' ? denied.answer.body : '',
      },
    })
  })

  it('names the trace that somebody records, also where the denial is hidden: the gateway is no caller', () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const hidden = { kind: 'respond', status: 200, headers: [], body: '{}' } as const
    for (const decision of [allowed, denied, { ...denied, answer: hidden }])
      expect(writeEvaluation({ ...decision, traceId }, true).context).toMatchObject({ trace_id: traceId })
    expect(writeEvaluation({ ...denied, traceId: undefined }, true).context).not.toHaveProperty('trace_id')
    const { response, reason_user } = writeEvaluation({ ...denied, answer: hidden, traceId }, true).context
    expect(JSON.stringify([response, reason_user])).not.toContain(traceId)
  })

  it('leaves out a body that has the id of no message', () => {
    expect(writeEvaluation(denied, false).context.response).not.toHaveProperty('body')
  })

  it('takes a document of ours for no permission', () => {
    const answer = { kind: 'respond', status: 200, headers: [], body: '{}' } as const
    expect(writeEvaluation({ ...allowed, outcome: 'respond', answer }, true).decision).toBe(false)
    expect(writeEvaluation({ ...allowed, answer }, true).decision).toBe(false)
    expect(writeEvaluation({ ...denied, answer: allowed.answer }, true).decision).toBe(false)
  })
})
