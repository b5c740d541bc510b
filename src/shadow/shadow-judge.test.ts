import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { demo, memorySource, namesAsTokens } from '../../test/support/policies.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import { readRecord } from '../telemetry/read-records.js'
import { absent, cap, demoDocuments, guardrail, people, requestOf, settled, shadowStand } from './shadow.fixture.js'
import { shadowLimits } from './shadow-judge.js'
import { shadowLine } from './shadow-record.js'

const scale = (replicas: number, id: unknown = 1) =>
  toolsCall(
    'resources_scale',
    { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: replicas },
    id,
  )
const pods = toolsCall('pods_list_in_namespace', { namespace: 'team-a' })
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const enriches =
  'apiVersion: mcp-authz.dev/v1alpha1\nkind: Enrichment\nmetadata: { name: shadow-header }\nspec:\n  match: { servers: [kubernetes] }\n  requestHeaders: [{ name: x-mcp-authz-shadow, valueExpression: tenant }]\n'

describe('a decision and what the shadow would have made of it', () => {
  it.each([
    { what: 'a stricter Guardrail', files: { 'x.yaml': cap(3) }, body: scale(4), result: 'tightened' },
    { what: 'the same, where it does not matter', files: { 'x.yaml': cap(3) }, body: scale(2), result: 'same' },
    { what: 'a laxer one', files: { 'x.yaml': cap(9) }, body: scale(7), result: 'weakened' },
    {
      what: 'one that is absent',
      files: { 'x.yaml': absent('Guardrail', 'replica-cap') },
      body: scale(7),
      result: 'weakened',
    },
    {
      what: 'another reason',
      files: { 'x.yaml': cap(3).replace('reason: ReplicaCap', 'reason: Other') },
      body: scale(7),
      result: 'changed',
    },
    {
      what: 'other words',
      files: { 'x.yaml': cap(5).replace('at most 5', 'no more than 5') },
      body: scale(7),
      result: 'same',
    },
    {
      what: 'one that denies, in Audit',
      files: { 'x.yaml': cap(3, 'Audit', 'later') },
      body: scale(4),
      result: 'changed',
    },
    {
      what: 'one that denies, in Warn',
      files: { 'x.yaml': cap(3, 'Warn', 'later') },
      body: scale(4),
      result: 'changed',
    },
    {
      what: 'one that takes Enforce from another',
      files: { 'x.yaml': cap(5, 'Audit') },
      body: scale(7),
      result: 'weakened',
    },
    { what: 'a header for the server', files: { 'x.yaml': enriches }, body: pods, result: 'changed' },
    {
      what: 'a tool that is not listed any more',
      files: {
        'x.yaml': guardrail(
          'no-scale',
          '  match: { servers: [kubernetes], tools: [resources_scale] }\n  validations: [{ expression: "false", message: no }]',
        ),
      },
      body: list,
      result: 'changed',
    },
    { what: 'nothing', files: {}, body: scale(4), result: 'same' },
    {
      what: 'a Guardrail that breaks',
      files: { 'x.yaml': cap(3).replace('replicas.all(n, n <= 3)', 'replicas[0] / 0 > 1') },
      body: scale(4),
      result: 'tightened',
    },
  ])('$what: $result', async ({ files, body, result }) => {
    const { ask, compared, bugs, set } = shadowStand(files)
    expect(set.report.broken).toEqual([])
    await ask('alice', body)
    expect(bugs).toEqual([])
    expect(compared.map(one => [one.result, one.server])).toEqual([[result, 'kubernetes']])
  })

  it.each([
    { what: 'nobody sent', headers: {}, result: 'same', different: [] },
    { what: 'the caller sent', headers: { 'x-tier': 'gold' }, result: 'changed', different: ['x-tier'] },
  ])('a header that is no longer removed, and $what: $result', async ({ headers, result, different }) => {
    const server = demoDocuments['Server-kubernetes.yaml'] ?? ''
    const removes = server.replace('mode: Enforce', 'mode: Enforce\n  upstream: { headers: [x-tier] }')
    const files = { ...demoDocuments, 'Server-kubernetes.yaml': removes }
    const { ask, compared, seen } = shadowStand({ 'x.yaml': server }, { sources: [memorySource(files)] })
    await ask('bob', pods, { headers })
    expect(seen[0]?.decision.answer).toMatchObject({ removeHeaders: expect.arrayContaining(['x-tier']) })
    expect(compared.map(one => [one.result, one.headers])).toEqual([[result, different]])
  })

  it('a Server in Audit that would enforce', async () => {
    const files = Object.fromEntries(demo.read().files.map(one => [one.name, one.text]))
    const server = Object.entries(files).find(([name]) => name.endsWith('server.yaml'))
    if (server === undefined) throw new Error('the demo has no Server')
    const enforcing = server[1].split(/^---\n/m).find(text => text.includes('kind: Server')) ?? ''
    const audit = { ...files, [server[0]]: server[1].replace('mode: Enforce', 'mode: Audit') }
    const { ask, compared } = shadowStand({ 'x.yaml': enforcing }, { sources: [memorySource(audit)] })
    expect((await ask('alice', scale(7))).outcome).toBe('allow')
    // In Audit nothing of ours is set.
    await ask('alice', pods)
    expect(compared.map(one => one.result)).toEqual(['tightened', 'changed'])
    expect(compared[1]?.headers).toContain('x-mcp-authz-user')
  })

  it('tells of tools that would be hidden, and shown', async () => {
    const { ask, compared } = shadowStand({
      'x.yaml': guardrail(
        'no-scale',
        '  match: { servers: [kubernetes], tools: [resources_scale] }\n  validations: [{ expression: "false", message: no }]',
      ),
      'y.yaml': absent('Guardrail', 'agents-do-not-delete'),
    })
    await ask('alice-via-agent', list)
    expect(compared[0]?.list?.hidden).toEqual(['resources_scale'])
    expect(compared[0]?.list?.shown).toContain('pods_delete')
  })

  it('is judged at the time of the decision', async () => {
    const at = Date.parse('2026-03-02T12:00:00Z')
    const files = {
      'x.yaml': guardrail(
        'noon',
        '  match: { servers: [kubernetes] }\n  validations: [{ expression: \'request.time == timestamp("2026-03-02T12:00:00Z")\', message: now }]',
      ),
    }
    const { ask, compared } = shadowStand(files, { decide: { now: () => at } })
    await ask('alice', pods)
    expect(compared.map(one => one.result)).toEqual(['same'])
  })

  it('each message of a batch is compared with its own', async () => {
    const files = Object.fromEntries(
      demo.read().files.map(one => [one.name, one.text.replace('mode: Enforce', 'mode: Enforce\n  batches: legacy')]),
    )
    const { ask, compared, dropped } = shadowStand({ 'x.yaml': cap(3) }, { sources: [memorySource(files)] })
    await ask('alice', [scale(2, 1), scale(4, 2)])
    expect(dropped).toEqual([])
    // A batch passes as a whole or not at all.
    expect(compared.map(one => [one.result, one.shadow.decision.failure?.reason])).toEqual([
      ['tightened', 'message.batch'],
      ['tightened', 'guardrail.violated'],
    ])
    expect(new Set(compared.map(one => one.decided.decision.id)).size).toBe(2)
  })
})

describe('what is not compared', () => {
  it.each([
    { what: 'a token that is not good', as: 'mallory', rest: {} },
    { what: 'an address of nobody', as: 'alice', rest: { authority: 'other.example.com' } },
    { what: 'a preflight', as: 'alice', rest: { method: 'OPTIONS' } },
    {
      what: 'a document of ours',
      as: 'alice',
      rest: { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' },
    },
  ])('$what', async ({ as, rest }) => {
    const { ask, compared, dropped } = shadowStand({ 'x.yaml': cap(1) })
    await ask(as, 'method' in rest ? undefined : scale(2), rest)
    expect([compared, dropped]).toEqual([[], []])
  })

  it('what was decided by policies that are not in force any more', async () => {
    const { decide, store, set, compared, dropped } = shadowStand({ 'x.yaml': cap(1) })
    decide(requestOf('alice', scale(2)))
    store.load()
    set.load()
    await settled()
    expect([compared, dropped]).toEqual([[], ['reload']])
  })

  it('what comes while requests are refused', async () => {
    const { ask, compared, dropped } = shadowStand({ 'x.yaml': cap(1) }, { busy: () => true })
    await ask('alice', scale(2))
    expect([compared, dropped]).toEqual([[], ['overload']])
  })

  it('what waits while requests are refused', async () => {
    let busy = false
    const { decide, compared, dropped, judge } = shadowStand({ 'x.yaml': cap(1) }, { busy: () => busy })
    for (let at = 0; at < 3; at++) decide(requestOf('alice', scale(2)))
    busy = true
    await settled()
    expect([compared, dropped, judge.pending]).toEqual([[], Array(3).fill('overload'), 0])
    busy = false
    decide(requestOf('alice', scale(2)))
    await settled()
    expect(compared).toHaveLength(1)
  })

  it('arguments, of which nothing is kept while a request waits', async () => {
    const { ask, compared } = shadowStand({ 'x.yaml': cap(1) })
    await ask('alice', scale(2))
    const [one] = compared
    expect(one?.decided.trial.call).toMatchObject({ method: 'tools/call', target: { name: 'resources_scale' } })
    expect(one?.decided.trial.call).toMatchObject({ arguments: undefined, params: undefined })
    expect(one?.decided.trial).not.toHaveProperty('resolved')
    expect(one?.decided.trial).not.toHaveProperty('budgets')
  })

  it('more than may wait', async () => {
    const { decide, compared, dropped } = shadowStand({ 'x.yaml': cap(1) })
    for (let at = 0; at < shadowLimits.requests + 5; at++) decide(requestOf('alice', scale(2)))
    expect(dropped).toEqual(Array(5).fill('queue'))
    for (let at = 0; at < 1000 && compared.length < shadowLimits.requests; at++) await settled()
    expect(compared).toHaveLength(shadowLimits.requests)
    // There is room again.
    decide(requestOf('alice', scale(2)))
    expect(dropped).toHaveLength(5)
  })

  it('more bytes than may wait', async () => {
    const { decide, dropped } = shadowStand({ 'x.yaml': cap(1) })
    const large = toolsCall('pods_list_in_namespace', { namespace: 'team-a', labelSelector: 'x'.repeat(1024 * 1024) })
    for (let at = 0; at < 40; at++) await decide(requestOf('alice', large))
    await settled(0)
    expect(dropped.length).toBeGreaterThan(5)
    expect(dropped.length).toBeLessThan(40)
  })

  it('a share of them, the same for all that happens to a decision', async () => {
    const { decide, compared } = shadowStand({ 'x.yaml': cap(1) }, { sample: 0.25 })
    const decisions = []
    for (let at = 0; at < 400; at++) {
      decisions.push(await decide(requestOf('alice', scale(2))))
      if (at % 20 === 19) await settled()
    }
    await settled(50)
    const ids = decisions.flatMap(({ id }) => (Number.parseInt(id.slice(0, 8), 16) < 0x4000_0000 ? [id] : []))
    expect(compared.map(one => one.decided.decision.id)).toEqual(ids)
  })

  it('what waits when it stops', async () => {
    const { decide, judge, compared, dropped } = shadowStand({ 'x.yaml': cap(1) })
    decide(requestOf('alice', scale(2)))
    judge.stop()
    decide(requestOf('alice', scale(2)))
    await settled()
    expect([compared, dropped]).toEqual([[], []])
  })
})

describe('permissions that an API server is asked for', () => {
  /** Answers what it is told to, when it is told to; remembers how many wait. */
  function slow() {
    const waiting: (() => void)[] = []
    let asked = 0
    const authorizer: Authorizer = {
      authorize: (_, { namespace }) => {
        asked++
        const answer: Access = namespace === 'away' ? away : { allowed: true, reason: '' }
        return new Promise(resolve => waiting.push(() => resolve(answer)))
      },
      authorizeUrl: () => ({ allowed: true, reason: '' }),
    }
    return { authorizer, waiting, asked: () => asked }
  }
  const away: Access = { allowed: false, failed: 'dependency.api_server', reason: 'away' }
  const inNamespace = (namespace: string) => toolsCall('pods_list_in_namespace', { namespace })

  it('are asked by no more than four judgements at once, and nothing is lost', async () => {
    const { authorizer, waiting, asked } = slow()
    const { decide, compared, dropped } = shadowStand({ 'x.yaml': cap(3) }, { authorizer })
    const decisions = Array.from({ length: 10 }, () => decide(requestOf('alice', pods)))
    for (const answer of waiting.splice(0)) answer()
    await Promise.all(decisions)
    expect(asked()).toBe(10)
    for (const so of [14, 18, 20]) {
      await settled()
      expect(asked()).toBe(so)
      for (const answer of waiting.splice(0)) answer()
    }
    await settled()
    expect(compared.map(one => one.result)).toEqual(Array(10).fill('same'))
    expect(dropped).toEqual([])
  })

  it('and are not answered: that is no difference', async () => {
    const { authorizer, waiting } = slow()
    const { decide, compared } = shadowStand({ 'x.yaml': cap(3) }, { authorizer })
    const decision = decide(requestOf('alice', inNamespace('away')))
    for (const answer of waiting.splice(0)) answer()
    expect((await decision).failure?.reason).toBe('dependency.api_server')
    await settled()
    for (const answer of waiting.splice(0)) answer()
    await settled()
    expect(compared.map(one => one.result)).toEqual(['failed'])
  })

  it('are forgotten when it stops', async () => {
    const { authorizer, waiting } = slow()
    const { decide, judge, compared, bugs } = shadowStand({ 'x.yaml': cap(3) }, { authorizer })
    const decision = decide(requestOf('alice', pods))
    for (const answer of waiting.splice(0)) answer()
    await decision
    await settled()
    expect(waiting).toHaveLength(1)
    judge.stop()
    for (const answer of waiting.splice(0)) answer()
    await settled()
    expect([compared, bugs]).toEqual([[], []])
  })
})

describe('what cannot be compared', () => {
  it('because something did not answer', async () => {
    const { decide, compared } = shadowStand(
      { 'x.yaml': absent('Guardrail', 'replica-cap') },
      {
        authenticator: namesAsTokens(people),
        decide: {
          upstream: { signer: undefined, exchangers: new Map() },
        },
        sources: [
          memorySource(
            Object.fromEntries(
              demo
                .read()
                .files.map(({ name, text }) => [
                  name,
                  text.replace('mode: Enforce', 'mode: Enforce\n  upstream: { authorization: mint, audience: x }'),
                ]),
            ),
          ),
        ],
      },
    )
    const request = requestOf('alice', pods)
    const decision = await decide({ ...request, listener: { ...request.listener, trust: 'network' } })
    await settled()
    expect(decision.failure?.reason).toBe('dependency.signing')
    expect(compared.map(one => one.result)).toEqual(['failed'])
  })

  it('a bug is told, and nothing else happens', async () => {
    const { ask, set, compared, bugs } = shadowStand({ 'x.yaml': cap(1) })
    const shadow = set.current?.shadow
    if (shadow === undefined) throw new Error('there is no shadow')
    Object.assign(shadow, {
      guardrails: {
        candidatesFor() {
          throw new Error('a bug')
        },
        members: () => [],
      },
    })
    expect((await ask('alice', scale(2))).outcome).toBe('allow')
    expect(compared).toEqual([])
    expect(bugs).toEqual([new Error('a bug')])
  })
})

describe('the record of a difference', () => {
  it.each([
    { files: { 'x.yaml': cap(3) }, body: scale(4) },
    { files: { 'x.yaml': cap(9) }, body: scale(7) },
    { files: { 'x.yaml': cap(3, 'Warn', 'later'), 'y.yaml': cap(3, 'Audit', 'later-still') }, body: scale(4) },
    { files: { 'x.yaml': enriches }, body: pods },
    { files: { 'x.yaml': absent('Guardrail', 'agents-do-not-delete') }, body: list },
  ])('is one of the schema: %#', async ({ files, body }) => {
    const { ask, compared } = shadowStand(files)
    const decision = await ask('alice-via-agent', body)
    const [one] = compared
    if (one === undefined) throw new Error('nothing was compared')
    expect(one.result).not.toBe('same')
    const line = shadowLine(one, Date.now())
    const { other, problem } = readRecord(Buffer.from(line))
    expect(problem).toBe(undefined)
    expect(other).toMatchObject({
      version: 'mcp-authz.dev/shadow/v1',
      decision_id: decision.id,
      result: one.result,
      decided: { decision: decision.outcome },
      server: 'kubernetes',
      user: 'alice',
    })
    expect(JSON.parse(line)).toEqual(other)
  })

  it('says what was decided and what would have been', async () => {
    const { ask, compared, store, set } = shadowStand({ 'x.yaml': cap(3, 'Enforce', 'second-cap') })
    await ask('alice', scale(4))
    const [one] = compared
    expect(JSON.parse(one === undefined ? '' : shadowLine(one, 0))).toEqual({
      version: 'mcp-authz.dev/shadow/v1',
      decision_id: one?.decided.decision.id,
      timestamp: '1970-01-01T00:00:00.000Z',
      result: 'tightened',
      policy_revision: store.current?.revision,
      shadow_revision: set.report.revision,
      decided: expect.objectContaining({ decision: 'allow' }),
      shadow: expect.objectContaining({
        decision: 'deny',
        reason: 'guardrail.violated',
        policy: 'Guardrail/second-cap',
        policy_reason: 'ReplicaCap',
      }),
      server: 'kubernetes',
      user: 'alice',
      mcp: { method: 'tools/call', target: { kind: 'tool', name: 'resources_scale' } },
      door: 'test',
      listener: 'test',
    })
  })
})
