import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { policyDocument, setUpServer } from '../../test/support/judge.js'

const refuseDelete = policyDocument('Guardrail', 'no-delete', {
  match: { servers: ['srv'], tools: ['delete'] },
  validations: [{ expression: 'false', message: 'deleting is off' }],
})
const judge = setUpServer({ batches: 'legacy' }, [refuseDelete])
const call = (name: string, id: unknown) => toolsCall(name, {}, id)
const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1 } }

describe('a batch where the Server takes batches', () => {
  it('passes when each of its messages would', () => {
    const { verdict, decision, records } = judge([call('read', 1), call('read', 'two'), progress])
    expect(verdict).toBe('allow')
    expect(records).toHaveLength(3)
    for (const record of records)
      expect(record).toMatchObject({ decision: 'allow', batch: { decision_id: decision.id } })
    expect(new Set(records.map(record => record.decision_id)).size).toBe(3)
    expect(decision.answer).toMatchObject({ kind: 'allow' })
    const ids = decision.answer.kind === 'allow' ? decision.answer.setHeaders : []
    expect(ids).toContainEqual({ name: 'x-mcp-authz-decision-id', value: decision.id })
  })

  it('is denied as a whole for one of its messages, with an answer to each request', () => {
    const { verdict, status, body, records, decision } = judge([call('read', 1), progress, call('delete', '2')])
    expect(verdict).toBe('guardrail.violated')
    expect(status).toBe(200)
    expect(body).toMatchObject([
      { id: 1, error: { code: -31403, data: { reason: 'message.batch' } } },
      { id: '2', result: { isError: true } },
    ])
    expect(body).toHaveLength(2)
    expect(records.map(record => [record.decision, record.reason])).toEqual([
      ['deny', 'message.batch'],
      ['deny', 'message.batch'],
      ['deny', 'guardrail.violated'],
    ])
    const answered = decision.answer.kind === 'respond' ? decision.answer.headers : []
    expect(answered).toContainEqual({ name: 'x-mcp-authz-decision-id', value: decision.id })
  })

  it('keeps ids as they were written', () => {
    const { decision } = judge('[{"jsonrpc":"2.0","id":"\\u0041","method":"tools/call","params":{"name":"delete"}}]')
    expect(decision.answer.kind === 'respond' && decision.answer.body).toContain('"id":"\\u0041",')
  })

  it('of notifications alone is answered by a status', () => {
    const { status, body, verdict } = judge([progress, { jsonrpc: '2.0', method: 'notifications/message' }])
    expect([status, verdict]).toEqual([403, 'method.direction'])
    expect(body).not.toHaveProperty('id')
  })

  it('needs a token like anything else', () => {
    const { status, body } = judge([call('read', 1)], { headers: { authorization: 'Bearer nobody' } })
    expect(status).toBe(401)
    expect(body).not.toHaveProperty('id')
  })

  it('passes in Audit, and each of its messages tells what would have been', () => {
    const { verdict, records } = setUpServer({ batches: 'legacy', mode: 'Audit' }, [refuseDelete])([
      call('read', 1),
      call('delete', 2),
    ])
    expect(verdict).toBe('allow')
    expect(records.map(record => record.would_deny ?? record.would)).toMatchObject([undefined, [{}]])
  })

  it('tells all that is known of its messages, also when it is only one', () => {
    const audited = setUpServer({ batches: 'legacy', mode: 'Audit' }, [refuseDelete])
    for (const batch of [[call('delete', 1)], [call('delete', 1), call('read', 2)]]) {
      const { decision } = audited(batch)
      expect(decision.would.map(({ reason }) => reason)).toEqual(['guardrail.violated'])
      expect(decision.metadata.get('would_deny')).toEqual(['guardrail.violated'])
    }
    const stranger = audited([call('read', 1), call('read', 2)], { headers: { authorization: 'Bearer nobody' } })
    expect(stranger.decision.would.map(({ reason }) => reason)).toEqual(['identity.signature'])
  })

  it('has the warnings of all of its messages in one header', () => {
    const warn = (name: string) =>
      policyDocument('Guardrail', name, {
        mode: 'Warn',
        match: { servers: ['srv'], tools: [`${name}*`] },
        validations: [{ expression: 'false', message: `${name} is old` }],
      })
    const warned = setUpServer({ batches: 'legacy' }, [warn('a'), warn('b')])
    const { decision } = warned([call('a', 1), call('b', 2), call('a2', 3)])
    expect(decision.answer.kind === 'allow' && decision.answer.responseHeaders).toEqual([
      { name: 'x-mcp-authz-decision-id', value: decision.id },
      { name: 'x-mcp-authz-warning', value: 'a is old; b is old' },
    ])
    expect(decision.warnings).toEqual(['a is old', 'b is old'])
  })

  it('of which more was denied than one answer can tell has a short one', () => {
    const wordy = Array.from({ length: 8 }, (_, index) =>
      policyDocument('Guardrail', `g${index}`, {
        match: { servers: ['srv'] },
        validations: [{ expression: 'false', message: `${index}${'m'.repeat(400)}` }],
      }),
    )
    const all = Array.from({ length: 32 }, (_, id) => call('read', id))
    const { decision, status, body, records } = setUpServer({ batches: 'legacy' }, wordy)(all)
    expect(decision.answer.kind === 'respond' && decision.answer.body.length).toBeLessThan(4096)
    expect(status).toBe(403)
    expect(body).toMatchObject({ error: { data: { reason: 'message.batch', decisionId: decision.id } } })
    expect(body).not.toHaveProperty('id')
    expect(records.map(record => record.reason)).toEqual(all.map(() => 'guardrail.violated'))
  })

  it('is denied when its messages would need different headers', () => {
    const byTool = policyDocument('Enrichment', 'tool', {
      match: { servers: ['srv'] },
      requestHeaders: [{ name: 'x-mcp-authz-x-tool', valueExpression: 'mcp.tool.name' }],
    })
    const enriched = setUpServer({ batches: 'legacy' }, [byTool])
    expect(enriched([call('a', 1), call('a', 2)]).verdict).toBe('allow')
    const { verdict, status, body, records } = enriched([call('a', 1), call('b', 2)])
    expect([verdict, status]).toEqual(['message.batch', 400])
    expect(body).toMatchObject([
      { id: 1, error: { code: -32600 } },
      { id: 2, error: {} },
    ])
    expect(records).toMatchObject(['a', 'b'].map(name => ({ reason: 'message.batch', mcp: { target: { name } } })))
  })

  it.each<[string, unknown, string, Record<string, string>?]>([
    ['empty', [], 'message.batch'],
    ['of too many', Array.from({ length: 33 }, (_, id) => call('read', id)), 'message.batch'],
    ['with an id twice', [call('read', 1), call('read', 1)], 'message.batch'],
    ['with an id twice, once as text', [call('read', 1), call('read', '1')], 'message.batch'],
    ['with initialize', [{ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }], 'message.batch'],
    ['in a batch', [[call('read', 1)]], 'message.not_jsonrpc'],
    ['with something else', [call('read', 1), 7], 'message.not_jsonrpc'],
    ['with a malformed message', [call('read', 1), { jsonrpc: '2.0', id: 1.5, method: 'ping' }], 'message.id'],
    ['with a call without id', [{ jsonrpc: '2.0', method: 'tools/call', params: { name: 'read' } }], 'message.id'],
    ['with an unknown method', [call('read', 1), { jsonrpc: '2.0', id: 2, method: 'tools/destroy' }], 'method.unknown'],
    [
      'of requests and responses',
      [call('read', 1), { jsonrpc: '2.0', id: 2, result: {} }],
      'message.batch',
      { 'mcp-session-id': 's' },
    ],
    ['from 2025-06-18 on', [call('read', 1)], 'message.batch', { 'mcp-protocol-version': '2025-06-18' }],
    ['of the modern era', [call('read', 1)], 'message.batch', { 'mcp-protocol-version': '2026-07-28' }],
    ['that names one method', [call('read', 1)], 'message.batch', { 'mcp-method': 'tools/call' }],
    [
      'with a modern message',
      [
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/list',
          params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
        },
      ],
      'message.header_mismatch',
    ],
  ])('%s is refused', (_, body, reason, headers) => {
    const judged = judge(body, headers === undefined ? {} : { headers })
    expect(judged.verdict).toBe(reason)
    expect(judged.status).toBe(reason === 'method.unknown' ? 403 : 400)
    expect(judged.body).not.toHaveProperty('id')
  })

  it('is refused where nobody said that batches are taken', () => {
    expect(setUpServer({})([call('read', 1)]).verdict).toBe('message.batch')
  })
})
