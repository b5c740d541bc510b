import { describe, expect, it } from 'vitest'
import { line, mayBeTold, readToldRecord } from './told-record.js'

const version = 'mcp-authz.dev/decision/v1'
const text = (over: object = {}) => JSON.stringify({ version, decision_id: 'd', decision: 'allow', ...over })

describe('what a cluster is told of', () => {
  it.each<[string, string, boolean, boolean]>([
    ['an allow', text(), false, true],
    ['a denial', text({ decision: 'deny' }), true, true],
    ['what Audit let through', text({ would_deny: [{ reason: 'r' }] }), true, true],
    ['arguments that look like a denial', text({ arguments: { decision: 'deny' } }), true, true],
    ['a record of a result', JSON.stringify({ version: 'mcp-authz.dev/result/v1', decision: 'deny' }), false, false],
    ['a shadow of a decision', JSON.stringify({ version: 'mcp-authz.dev/shadow/v1', decision: 'deny' }), false, false],
    ['no record', 'x', false, false],
  ])('is looked for in %s', (_name, record, denials, all) => {
    expect([mayBeTold(record, 'denials'), mayBeTold(record, 'all')]).toEqual([denials, all])
  })

  it.each<[string, string]>([
    ['a record of something else', JSON.stringify({ version: 'mcp-authz.dev/result/v1' })],
    ['a document that was asked for', text({ decision: 'respond' })],
    ['half a line', '{"version":'],
    ['a list', '[]'],
  ])('is nothing of %s', (_name, record) => expect(readToldRecord(record)).toBeUndefined())

  it('is the outcome of the record, whatever arguments say', () => {
    const outcome = (over: object) => readToldRecord(text({ arguments: { decision: 'deny' }, ...over }))?.outcome
    expect(outcome({})).toBe('allow')
    expect(outcome({ decision: 'deny' })).toBe('deny')
    expect(outcome({ would_deny: [{ reason: 'r' }] })).toBe('would-deny')
  })

  it('is the first reason of what Audit would have denied', () => {
    const would_deny = [
      { reason: 'guardrail.violated', policy: 'Guardrail/a', policy_reason: 'A' },
      { reason: 'other', policy: 'Guardrail/b' },
    ]
    expect(readToldRecord(text({ would_deny }))).toMatchObject({
      ...{ reason: 'guardrail.violated', policy: 'Guardrail/a', policyReason: 'A' },
    })
  })

  it('is a tool only where one is called, and no argument', () => {
    const mcp = (method: string, kind: string) => ({ method, target: { kind, name: 'x' } })
    const tool = (method: string, kind: string) => readToldRecord(text({ mcp: mcp(method, kind) }))?.tool
    expect([tool('tools/call', 'tool'), tool('resources/read', 'resource'), tool('tools/list', 'tool')]).toEqual([
      'x',
      '',
      '',
    ])
    const record = text({ mcp: mcp('tools/call', 'tool'), arguments: { password: 'hunter2' }, args_digest: 'sha256:0' })
    expect(JSON.stringify(readToldRecord(record))).not.toContain('hunter2')
    expect(readToldRecord(record)?.argsDigest).toBe('sha256:0')
  })

  it('has fields of another form left out', () => {
    const strange = { subject: 'x', mcp: [], rbac: [1, { verb: 2, allowed: 'yes' }], server: {}, agent: null }
    expect(readToldRecord(text(strange))).toMatchObject({
      ...{ user: '', method: '', server: '', agent: '' },
      operations: [{ verb: '', allowed: false }],
    })
  })
})

describe('a line', () => {
  it.each<[string, string, string]>([
    ['line ends', 'a\r\n\u2028b', 'a b'],
    ['what changes the direction', 'a\u202eb', 'a b'],
    ['terminal sequences', '\u001b[31mred', '[31mred'],
    ['what is too long', 'x'.repeat(20), `${'x'.repeat(9)}…`],
    ['half a character', `${'x'.repeat(8)}😀😀`, `${'x'.repeat(8)}…`],
  ])('is kept from %s', (_name, value, kept) => expect(line(value, 10)).toBe(kept))
})
