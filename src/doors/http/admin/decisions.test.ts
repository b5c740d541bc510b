import { afterEach, describe, expect, it } from 'vitest'
import { type RecentDecision, RecentDecisions } from '../../../telemetry/recent-decisions.js'
import { openAdmin } from './admin.fixture.js'
import { readDecisionQuery } from './read-decision-query.js'
import { shownRecord } from './shown-record.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const id = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

function record(index: number, more: Readonly<Record<string, unknown>> = {}): RecentDecision {
  const fields = {
    ...{ version: 'mcp-authz.dev/decision/v1', decision_id: id(index), timestamp: '2026-11-21T04:27:51.503Z' },
    ...{ decision: 'deny', reason: 'guardrail.violated', policy: 'Guardrail/cap', server: 'files' },
    ...{
      subject: { kind: 'user', user: 'alice' },
      mcp: { method: 'tools/call', target: { kind: 'tool', name: 'read' } },
    },
    ...more,
  }
  const line = JSON.stringify(fields)
  return { id: id(index), outcome: 'deny', server: 'files', reason: 'guardrail.violated', would: [], line }
}

async function open(records: readonly RecentDecision[]) {
  const decisions = new RecentDecisions(1000)
  for (const one of records) decisions.add(one)
  const opened = await openAdmin({}, { decisions })
  cleanups.push(() => opened.door.stop())
  return opened
}

describe('/decisions', () => {
  it('is JSON, newest first', async () => {
    const { get } = await open([record(1), record(2)])
    const { seen, kept, decisions } = JSON.parse((await get('/decisions')).body)
    expect([seen, kept]).toEqual([2, 2])
    expect(decisions.map((one: { decision_id: string }) => one.decision_id)).toEqual([id(2), id(1)])
  })

  it('is NDJSON if asked', async () => {
    const { get } = await open([record(1), record(2)])
    const got = await get('/decisions?format=ndjson&limit=1')
    expect(got.headers['content-type']).toBe('application/x-ndjson')
    expect(got.body).toBe(`${record(2).line}\n`)
  })

  it('shows what the shadow would have made of one, and finds those', async () => {
    const { get } = await open([record(1), { ...record(2), shadow: '{"result":"weakened"}' }])
    const all = JSON.parse((await get('/decisions')).body).decisions
    expect(all).toEqual([{ ...JSON.parse(record(2).line), shadow: { result: 'weakened' } }, JSON.parse(record(1).line)])
    expect(JSON.parse((await get('/decisions?shadow=true')).body).decisions).toEqual([all[0]])
    expect(JSON.parse((await get('/decisions?shadow=false')).body).decisions).toEqual([all[1]])
    expect((await get('/decisions?shadow=maybe')).status).toBe(400)
  })

  it('finds one by its id', async () => {
    const { get } = await open([record(1), record(2)])
    expect(JSON.parse((await get(`/decisions?id=${id(1)}`)).body).decisions).toHaveLength(1)
  })

  it('shows many, and no arguments of any', async () => {
    const many = Array.from({ length: 1000 }, (_, index) =>
      record(index, { arguments: { secret: 'hidden' }, args_digest: 'd' }),
    )
    const { get } = await open(many)
    const { body } = await get('/decisions?limit=1000')
    expect(JSON.parse(body).decisions).toHaveLength(1000)
    expect(body).not.toContain('hidden')
    expect(body).toContain('"args_digest":"d"')
  })
})

describe('shownRecord', () => {
  it.each([
    ['nothing to leave out', '{"a":1,"b":[1.0,"x"]}', '{"a":1,"b":[1.0,"x"]}'],
    ['arguments', '{"a":1,"arguments":{"b":2},"c":3}', '{"a":1,"c":3}'],
    [
      'what was changed of them',
      '{"arguments":{},"erased":["/arguments/a"],"masked":["/arguments/b"],"c":3}',
      '{"c":3}',
    ],
    ['deep ones', `{"arguments":${'['.repeat(70)}${']'.repeat(70)},"c":3}`, '{"c":3}'],
    ['arguments alone', '{"arguments":"x"}', '{}'],
    ['a text that speaks of them', JSON.stringify({ a: '"arguments":' }), JSON.stringify({ a: '"arguments":' })],
    ['a line that nobody can read', '{"arguments":', '{}'],
  ])('%s', (_name, line, shown) => expect(shownRecord(line)).toBe(shown))
})

describe('readDecisionQuery', () => {
  it.each<[string, string, string]>([
    ['a limit of nothing', 'limit=0', 'limit is'],
    ['a limit of all', 'limit=1001', 'limit is'],
    ['a limit in words', 'limit=ten', 'limit is'],
    ['an outcome that there is not', 'outcome=denied', 'outcome is'],
    ['would with something else', 'would=yes', 'would is'],
    ['another format', 'format=xml', 'format is'],
    ['something twice', 'server=a&server=b', 'server is there twice'],
    ['a misspelt name', 'sever=a', 'did you mean server'],
    ['a name of its own', 'x=1', 'there are limit'],
    ['a long query', `server=${'x'.repeat(3000)}`, 'too long'],
  ])('refuses %s', (_name, query, message) => {
    expect(readDecisionQuery(query)).toEqual({ ok: false, message: expect.stringContaining(message) })
  })

  it.each<[string, string, object]>([
    ['nothing', '', { limit: 100 }],
    [
      'all of it',
      'limit=5&id=i&outcome=deny&server=a%2Fb&reason=guardrail&would=false',
      {
        ...{ limit: 5, id: 'i', outcome: 'deny', server: 'a/b', reason: 'guardrail', would: false },
      },
    ],
    ['no Server', 'server=', { limit: 100, server: '' }],
  ])('reads %s', (_name, query, expected) => {
    expect(readDecisionQuery(query)).toEqual({ ok: true, format: 'json', query: expected })
  })
})

describe('the front page', () => {
  it('shows decisions, with links to their records', async () => {
    const { get } = await open([record(1), record(2, { agent: { id: 'bot' } })])
    const { body, headers } = await get('/')
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(body).toContain(`<a href="/decisions?id=${id(1)}">`)
    expect(body).toContain('<td>tools/call read</td><td>guardrail.violated Guardrail/cap</td>')
    expect(body).toContain('alice through bot')
    expect(body).toContain('denies nothing')
  })

  it('says what would have been denied', async () => {
    const would = [{ reason: 'authorization.rbac', policy: '' }]
    const { get } = await open([
      record(1, { decision: 'allow', reason: undefined, policy: undefined, would_deny: would }),
    ])
    expect((await get('/')).body).toContain('<td>would: authorization.rbac</td>')
  })

  it('is no page of whoever is denied', async () => {
    const user = '<script>alert(1)</script>\u202e"\'&'
    const { get } = await open([record(1, { subject: { user }, server: '</table><img src=x>' })])
    const { body, headers } = await get('/')
    expect(body).not.toContain('<script')
    expect(body).not.toContain('<img')
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;\\u202e&quot;&#39;&amp;')
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
  })

  it('picks', async () => {
    const { get } = await open([record(1)])
    expect((await get('/?outcome=allow')).body).toContain('<td colspan="7">none</td>')
    expect((await get('/?outcome=deny')).body).toContain('<strong>denied</strong>')
    expect((await get('/?x=1')).status).toBe(400)
  })
})
