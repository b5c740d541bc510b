import { describe, expect, it } from 'vitest'
import { packageVersion } from '../package-version.js'
import { createMetrics, type DecisionSample } from './metrics.js'

const sample: DecisionSample = { server: 'kubernetes', decision: 'allow', reason: '', mode: 'Enforce', durationMs: 0.2 }
const state = {
  revision: 'r1',
  documents: 14,
  brokenDocuments: 0,
  lastSuccess: 5000,
  servers: ['kubernetes'],
  serversInAudit: 1,
}

async function lines(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter(line => line.startsWith(name))
}

describe('createMetrics', () => {
  it('counts decisions', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    metrics.policies(state)
    metrics.decided(sample)
    metrics.decided(sample)
    metrics.decided({ ...sample, decision: 'deny', reason: 'guardrail.violated', mode: 'Audit' })
    expect(await lines(metrics, 'mcp_authz_decisions_total{')).toEqual([
      'mcp_authz_decisions_total{server="kubernetes",decision="allow",reason="",mode="Enforce"} 2',
      'mcp_authz_decisions_total{server="kubernetes",decision="deny",reason="guardrail.violated",mode="Audit"} 1',
    ])
  })

  it('counts what would have been denied, once for each reason of a request', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    metrics.policies(state)
    const twice = ['guardrail.violated', 'guardrail.violated', 'authorization.rbac']
    metrics.decided({ ...sample, mode: 'Audit', would: twice })
    metrics.decided({ ...sample, server: 'made-up', would: ['guardrail.violated'] })
    expect(await lines(metrics, 'mcp_authz_would_deny_total{')).toEqual([
      'mcp_authz_would_deny_total{server="kubernetes",reason="guardrail.violated"} 1',
      'mcp_authz_would_deny_total{server="kubernetes",reason="authorization.rbac"} 1',
      'mcp_authz_would_deny_total{server="_other",reason="guardrail.violated"} 1',
    ])
  })

  it('tells which program runs', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    const [line = ''] = await lines(metrics, 'mcp_authz_build_info')
    expect(line).toBe(`mcp_authz_build_info{version="${packageVersion}",node="${process.versions.node}"} 1`)
    expect(packageVersion).toMatch(/^\d+\.\d+\.\d+/)
  })

  it('measures below a millisecond, in seconds', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    metrics.decided(sample)
    const text = await metrics.text()
    expect(text).toContain('mcp_authz_decision_duration_seconds_bucket{le="0.0001",decision="allow"} 0')
    expect(text).toContain('mcp_authz_decision_duration_seconds_bucket{le="0.00025",decision="allow"} 1')
  })

  it('does not let requests make labels', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    metrics.policies(state)
    for (let i = 0; i < 1000; i++) metrics.decided({ ...sample, server: `evil-${i}`, reason: `made.up_${i}` })
    const series = await lines(metrics, 'mcp_authz_decisions_total{')
    expect(series.length).toBe(201)
    expect(series.every(line => line.includes('server="_other"'))).toBe(true)
  })

  it('tells the state of the policies, one revision at a time', async () => {
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    metrics.policies(state)
    metrics.policies({ ...state, revision: 'r2', brokenDocuments: 2, lastSuccess: undefined })
    expect(await lines(metrics, 'mcp_authz_policy_')).toEqual([
      'mcp_authz_policy_info{revision="r2"} 1',
      'mcp_authz_policy_documents 14',
      'mcp_authz_policy_broken_documents 2',
      'mcp_authz_policy_last_success_timestamp_seconds 0',
    ])
    expect(await lines(metrics, 'mcp_authz_servers_in_audit')).toEqual(['mcp_authz_servers_in_audit 1'])
  })

  it('reads dropped records when scraped', async () => {
    let dropped = 0
    const metrics = createMetrics({ droppedRecords: () => dropped, defaults: false })
    dropped = 3
    expect(await lines(metrics, 'mcp_authz_decision_records')).toEqual(['mcp_authz_decision_records_dropped_total 3'])
    expect(await lines(metrics, 'mcp_authz_decision_records')).toEqual(['mcp_authz_decision_records_dropped_total 3'])
  })

  it('has process metrics unless told not to', async () => {
    expect(await createMetrics({ droppedRecords: () => 0 }).text()).toContain('process_cpu_')
  })
})
