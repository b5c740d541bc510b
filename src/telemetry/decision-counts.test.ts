import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type CountedDecision, registerDecisions } from './decision-counts.js'
import { createMetrics } from './metrics.js'
import { writeOpenMetrics } from './open-metrics.js'

const allowed: CountedDecision = { server: 'files', decision: 'allow', reason: '', mode: 'Enforce', seconds: 0.000_2 }
const labels = { server: 'files', decision: 'allow', reason: '', mode: 'Enforce' }

describe('the count of decisions', () => {
  it('has each series apart', async () => {
    const registry = new Registry()
    const decisions = registerDecisions(registry, () => 0)
    const others: Partial<CountedDecision>[] = [
      { server: 'Enforce' },
      { reason: 'allow' },
      { mode: 'Audit' },
      { decision: 'respond' },
    ]
    for (const other of [{}, ...others, {}]) decisions.count({ ...allowed, ...other })
    const lines = async () =>
      (await registry.metrics()).split('\n').filter(line => line.startsWith('mcp_authz_decisions_total{'))
    const expected = [
      'mcp_authz_decisions_total{server="files",decision="allow",reason="",mode="Enforce"} 2',
      'mcp_authz_decisions_total{server="Enforce",decision="allow",reason="",mode="Enforce"} 1',
      'mcp_authz_decisions_total{server="files",decision="allow",reason="allow",mode="Enforce"} 1',
      'mcp_authz_decisions_total{server="files",decision="allow",reason="",mode="Audit"} 1',
      'mcp_authz_decisions_total{server="files",decision="respond",reason="",mode="Enforce"} 1',
    ]
    expect(await lines()).toEqual(expected)
    expect(await lines()).toEqual(expected)
  })
})

describe('exemplars', () => {
  const bucket = 'mcp_authz_decision_duration_seconds_bucket'

  it('are the last decision of a series, and the last of each bucket', () => {
    const decisions = registerDecisions(new Registry(), () => 5500)
    decisions.count({ ...allowed, decisionId: 'd1', traceId: 't1' })
    decisions.count({ ...allowed, decisionId: 'd2', seconds: 7 })
    const at = { timestamp: 5.5 }
    expect(decisions.exemplar('mcp_authz_decisions_total', labels)).toEqual({
      ...{ labelSet: { decision_id: 'd2' }, value: 1 },
      ...at,
    })
    const first = { labelSet: { decision_id: 'd1', trace_id: 't1' }, value: 0.000_2, ...at }
    expect(decisions.exemplar(bucket, { decision: 'allow', le: 0.000_25 })).toEqual(first)
    const last = { labelSet: { decision_id: 'd2' }, value: 7, ...at }
    expect(decisions.exemplar(bucket, { decision: 'allow', le: '+Inf' })).toEqual(last)
    for (const le of [0.000_1, 5, 3]) expect(decisions.exemplar(bucket, { decision: 'allow', le })).toBeUndefined()
  })

  it('are in the bucket that counts a time which is its bound', () => {
    const decisions = registerDecisions(new Registry(), () => 0)
    decisions.count({ ...allowed, decisionId: 'd1', seconds: 0.001 })
    expect(decisions.exemplar(bucket, { decision: 'allow', le: 0.001 })?.value).toBe(0.001)
  })

  it.each([
    ['a series that is not there', 'mcp_authz_decisions_total', { ...labels, server: 'other' }],
    ['the sum', 'mcp_authz_decision_duration_seconds_sum', { decision: 'allow' }],
    ['another metric', 'mcp_authz_would_deny_total', labels],
  ])('are none of %s', (_name, name, of) => {
    const decisions = registerDecisions(new Registry(), () => 0)
    decisions.count({ ...allowed, decisionId: 'd1' })
    expect(decisions.exemplar(name, of)).toBeUndefined()
  })

  it('are none of decisions without an id', () => {
    const decisions = registerDecisions(new Registry(), () => 0)
    decisions.count(allowed)
    expect(decisions.exemplar('mcp_authz_decisions_total', labels)).toBeUndefined()
  })

  it('are written for scrapers that take them, and never in the text format', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    const decisionId = '50883324-87c0-4e22-b6b5-af6a95697034'
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const sample = { decision: 'deny', reason: 'server.path', mode: 'Enforce', durationMs: 0.2 } as const
    metrics.decided({ ...sample, server: 'made-up', decisionId, traceId })
    const text = writeOpenMetrics(await metrics.collect())
    const ids = `# {decision_id="${decisionId}",trace_id="${traceId}"}`
    expect(text).toContain(
      `mcp_authz_decisions_total{server="_other",decision="deny",reason="server.path",mode="Enforce"} 1 ${ids} 1 `,
    )
    expect(text).toContain(`mcp_authz_decision_duration_seconds_bucket{le="0.00025",decision="deny"} 1 ${ids} 0.0002 `)
    expect(text.split(ids).length).toBe(3)
    expect(await metrics.text()).not.toContain(decisionId)
  })
})
