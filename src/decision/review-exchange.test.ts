import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { responseFailure } from '../protocol/mcp/response-failure.js'
import { SessionKeys } from '../protocol/session-tag.js'
import { createExchangeReview } from './review-exchange.js'
import type { ExchangeReviewOptions, RefusedExchange } from './reviewed-exchange.js'

const alice = person('alice', ['team-a-developers'])
const principals = {
  alice,
  bob: person('bob', ['team-a-developers']),
  agent: through(alice, 'copilot'),
  elsewhere: person('alice', ['team-a-developers'], { issuer: 'https://other.example.com' }),
}

/** The demo's Server, and another one of the same shape. */
function storeIn(mode: 'Enforce' | 'Audit') {
  const other = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: other }
spec: { resource: "https://other.example.com/mcp", catalog: kubernetes-mcp-server, mode: ${mode} }
`
  const store = storeOf([catalogs, demo, memorySource({ 'other.yaml': other })], namesAsTokens(principals))
  store.load()
  return store
}

const key = (id: string) => ({ id, secret: Buffer.alloc(32, id) })
const keys = (...ids: string[]) => new SessionKeys(ids.map(key))

function reviewWith(options: Partial<ExchangeReviewOptions> = {}, mode: 'Enforce' | 'Audit' = 'Enforce') {
  const store = storeIn(mode)
  const refused: RefusedExchange[] = []
  const review = createExchangeReview({
    snapshot: () => store.current,
    sessions: keys('k1'),
    onRefused: one => refused.push(one),
    ...options,
  })
  return { review, refused }
}

function from(who: string | undefined, headers: Record<string, string> = {}, server = 'kubernetes'): InboundRequest {
  const authorization = who === undefined ? {} : { authorization: `Bearer ${who}` }
  return inbound({ headers: { ...authorization, ...headers }, extensions: { 'mcp-server': server } })
}

async function tagOf(review: ReturnType<typeof reviewWith>['review'], who = 'alice'): Promise<string> {
  const tagged = (await review.open(from(who))).tag('raw')
  if (tagged === undefined) throw new Error('no tag')
  return tagged
}

describe('a session', () => {
  it('is good for whom it was given to, at another replica too', async () => {
    const session = await tagOf(reviewWith().review)
    const exchange = await reviewWith().review.open(from('alice', { 'mcp-session-id': session }))
    expect(exchange.session).toMatchObject({ kind: 'own', id: 'raw' })
  })

  it.each([
    ['another person', 'bob', 'kubernetes'],
    ['the same person through an agent', 'agent', 'kubernetes'],
    ['a namesake of another issuer', 'elsewhere', 'kubernetes'],
    ['the same person at another Server', 'alice', 'other'],
  ])('is not good for %s', async (_who, who, server) => {
    const session = await tagOf(reviewWith().review)
    const exchange = await reviewWith().review.open(from(who, { 'mcp-session-id': session }, server))
    expect(exchange.session).toMatchObject({ kind: 'refused', status: 404, why: { reason: 'session.foreign' } })
  })

  it.each([
    ['the id of the server itself', 'raw', 404, 'session.unknown'],
    ['a tag that was cut', 'raw~k1~abc', 404, 'session.unknown'],
    ['a tag of zeros', `raw~k1~${'A'.repeat(32)}`, 404, 'session.foreign'],
    ['a key that nobody has', `raw~k9~${'A'.repeat(32)}`, 404, 'session.unknown'],
    ['nothing', '', 404, 'session.unknown'],
    ['more than an id can be', 'a'.repeat(5000), 400, 'session.malformed'],
  ])('is not made by %s', async (_what, id, status, reason) => {
    const exchange = await reviewWith().review.open(from('alice', { 'mcp-session-id': id }))
    expect(exchange.session).toMatchObject({ kind: 'refused', status, why: { reason } })
  })

  it('outlives the rotation of keys until the old one is gone', async () => {
    const steps = [keys('k1'), keys('k1', 'k2'), keys('k2', 'k1')].map(sessions => reviewWith({ sessions }).review)
    const old = await tagOf(reviewWith().review)
    for (const review of steps) {
      for (const session of [old, await tagOf(review)]) {
        const [before, after] = steps.slice(steps.indexOf(review), steps.indexOf(review) + 2)
        for (const one of [before, after]) {
          if (one === undefined) continue
          const { session: opened } = await one.open(from('alice', { 'mcp-session-id': session }))
          expect(opened).toMatchObject({ kind: 'own', id: 'raw' })
        }
      }
    }
    const { review } = reviewWith({ sessions: keys('k2') })
    const { session } = await review.open(from('alice', { 'mcp-session-id': old }))
    expect(session).toMatchObject({ kind: 'refused', why: { reason: 'session.unknown' } })
  })

  it('is of nobody where nobody is known', async () => {
    const { review } = reviewWith()
    const session = await tagOf(review)
    const exchange = await review.open(from(undefined, { 'mcp-session-id': session }))
    expect(exchange).toMatchObject({ session: { kind: 'none' }, bindsSessions: true, identified: false })
    expect(exchange.tag('raw')).toBeUndefined()
  })
})

const tools = (...names: string[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 'x', result: { tools: names.map(name => ({ name })) } })
const bytes = (text: string) => Buffer.from(text)
const textOf = (one: object) =>
  'bytes' in one && one.bytes instanceof Uint8Array ? Buffer.from(one.bytes).toString() : ''

describe('what cannot be read or judged', () => {
  const secret = 'AKIAABCDEFGHIJKLMNOP'
  const rule = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: keys }
spec: { on: response, patterns: [{ pattern: 'AKIA[0-9A-Z]{16}' }] }
`
  const unread = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{}]}}'
  const error = `{"jsonrpc":"2.0","id":2,"error":{"code":-1,"message":"${secret}"}}`
  const own = `{"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":{"messages":["${secret}"]}}`
  const store = storeOf([catalogs, demo, memorySource({ 'rule.yaml': rule })], namesAsTokens(principals))
  store.load()
  const review = createExchangeReview({ snapshot: () => store.current, sessions: keys('k1') })

  it('takes all of its batch with it, where nothing else of it was judged', async () => {
    const exchange = await review.open(from('alice'))
    const batch = bytes(`[${unread},${error},${own}]`)
    const read = await exchange.review(batch, undefined)
    if (read.ok) throw new Error('it was read')
    const instead = Buffer.from(exchange.refuse(batch, read)).toString()
    expect(instead).not.toContain(secret)
    expect(JSON.parse(instead)).toMatchObject([
      { id: 1, error: { code: -31503 } },
      { id: 2, error: { code: -31503 } },
      { method: 'notifications/message', params: { level: 'warning' } },
    ])
    expect(JSON.parse(instead)[2]).not.toHaveProperty('id')
  })

  it.each([error, own, `[${error},${own}]`])('does not reach who is not known: %s', async message => {
    const exchange = await review.open(from(undefined))
    expect(textOf(await exchange.review(bytes(message), undefined))).not.toContain(secret)
    expect(Buffer.from(await exchange.reviewText(bytes(secret), undefined)).toString()).toMatch(/identity\./)
  })
})

describe('lists', () => {
  it('hold what their reader may use', async () => {
    const exchange = await reviewWith().review.open(from('alice'))
    expect(textOf(await exchange.review(bytes(tools('pods_list', 'pods_get')), undefined))).toBe(tools('pods_get'))
  })

  it('are looked for in every answer of a batch', async () => {
    const exchange = await reviewWith().review.open(from('alice'))
    const other = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
    const filtered = await exchange.review(bytes(`[${other},${tools('pods_list')},${tools('pods_get')}]`), undefined)
    expect(textOf(filtered)).toBe(`[${other},${tools()},${tools('pods_get')}]`)
  })

  it.each([
    ['nobody', undefined, 'kubernetes', 'identity.token_missing'],
    ['a caller at a Server that is not there', 'alice', 'nowhere', 'server.unknown'],
  ])('are errors for %s, and what is no list passes', async (_who, who, server, reason) => {
    const { review, refused } = reviewWith()
    const exchange = await review.open(from(who, {}, server))
    const other = bytes('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')
    expect(await exchange.review(other, undefined)).toEqual({ ok: true, bytes: other })
    expect(refused).toEqual([])
    const answer = JSON.parse(textOf(await exchange.review(bytes(tools('pods_get')), undefined)))
    expect(answer).toMatchObject({ jsonrpc: '2.0', id: 'x', error: { data: { reason } } })
    expect(refused.map(({ decision }) => decision.failure?.reason)).toEqual([reason])
  })

  it('are filtered for a caller with a proof that was only shown, which is said', async () => {
    const exchange = await reviewWith().review.open(from('alice', { dpop: 'proof' }))
    expect(exchange).toMatchObject({ identified: true, provisional: true })
    expect(textOf(await exchange.review(bytes(tools('pods_list', 'pods_get')), undefined))).toBe(tools('pods_get'))
  })

  it('are errors before there are policies, and where the request was not seen', async () => {
    const { review } = reviewWith({ snapshot: () => undefined })
    for (const exchange of [await review.open(from('alice')), review.unseen()])
      expect(textOf(await exchange.review(bytes(tools('pods_get')), undefined))).toContain('"error"')
  })

  it.each([
    ['a name twice', '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"pods_get","name":"pods_list"}]}}', 7],
    ['no name', '{"jsonrpc":"2.0","id":7,"result":{"tools":[{}]}}', 7],
    ['no array', '{"jsonrpc":"2.0","id":7,"result":{"tools":{"0":{"name":"pods_list"}}}}', 7],
    ['two results', '{"jsonrpc":"2.0","id":7,"result":{},"result":{"tools":[{"name":"pods_list"}]}}', 7],
    ['two ids', '{"jsonrpc":"2.0","id":7,"id":8,"result":{"tools":[]}}', null],
    ['half a message', '{"jsonrpc":"2.0","id":7,"result":{"tools":[', null],
  ])('with %s are failures, and what goes in their place holds nothing of them', async (_what, text, id) => {
    const { review, refused } = reviewWith()
    const exchange = await review.open(from('alice'))
    expect(await exchange.review(bytes(text), undefined)).toMatchObject({ ok: false })
    const instead = JSON.parse(
      Buffer.from(exchange.refuse(bytes(text), responseFailure('response.item', 0))).toString(),
    )
    expect(instead).toMatchObject({ jsonrpc: '2.0', id, error: { code: -31503, data: { reason: 'internal.error' } } })
    expect(instead).not.toHaveProperty('result')
    expect(refused).toHaveLength(1)
  })
})

describe('a Server in Audit', () => {
  it('is left alone', async () => {
    const exchange = await reviewWith({}, 'Audit').review.open(from('alice', { 'mcp-session-id': 'raw' }, 'other'))
    expect(exchange).toMatchObject({ active: false, bindsSessions: false, session: { kind: 'none' } })
    const list = bytes(tools('pods_list'))
    expect(await exchange.review(list, undefined)).toEqual({ ok: true, bytes: list })
  })

  it('is left alone where a caller proves the possession of a key as well', async () => {
    const exchange = await reviewWith({}, 'Audit').review.open(from('alice', { dpop: 'proof' }, 'other'))
    expect(exchange).toMatchObject({ active: false, bindsSessions: false })
  })
})

describe('a Server of another protocol than MCP', () => {
  it('is left alone, as its answers are no messages', async () => {
    const snapshot = storeIn('Enforce').current
    if (snapshot === undefined) throw new Error('no snapshot')
    const [first] = snapshot.servers.all
    if (first === undefined) throw new Error('no Server')
    const server = { ...first, protocol: 'json' as const }
    const servers = { ...snapshot.servers, byName: () => server }
    const { review, refused } = reviewWith({ snapshot: () => ({ ...snapshot, servers }) })
    for (const who of ['alice', undefined]) {
      const exchange = await review.open(from(who))
      expect(exchange).toMatchObject({ active: false, bindsSessions: false })
      const body = bytes('{"ID":1,"id":{"a":1}}')
      expect(await exchange.review(body, undefined)).toEqual({ ok: true, bytes: body })
    }
    expect(refused).toEqual([])
  })
})

describe('an exchange that outlives a change of the policies', () => {
  it('shows what is in force now', async () => {
    const before = storeIn('Enforce').current
    const audit = storeIn('Audit').current
    let current = before
    const { review } = reviewWith({ snapshot: () => current })
    const exchange = await review.open(from('alice', {}, 'other'))
    const list = bytes(tools('pods_list', 'pods_get'))
    const filtered = textOf(await exchange.review(list, undefined))
    expect(filtered).not.toBe(list.toString())
    current = audit
    expect(textOf(await exchange.review(list, undefined))).toBe(list.toString())
    const gone = storeOf([catalogs, demo], namesAsTokens(principals))
    gone.load()
    current = gone.current
    expect(textOf(await exchange.review(list, undefined))).toContain('"error"')
    current = undefined
    expect(textOf(await exchange.review(list, undefined))).toContain('"error"')
  })
})

describe('where there are Guardrails about results', () => {
  const rule = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-keys }
spec: { on: response, match: { servers: [kubernetes] }, patterns: [{ pattern: AKIA }] }
`
  it.each([
    ['a result', '{"jsonrpc":"2.0","id":1,"result":{"text":"AKIA"}}'],
    ['what can be read in two ways', '{"jsonrpc":"2.0","id":1,"result":{"text":"AKIA"},"result":{}}'],
    ['half a message', '{"jsonrpc":"2.0","id":1,"result":{"text":"AKIA"'],
  ])('a caller of whom nobody knows gets nothing of %s', async (_what, text) => {
    const store = storeOf([catalogs, demo, memorySource({ 'rule.yaml': rule })], namesAsTokens(principals))
    store.load()
    const exchange = await createExchangeReview({ snapshot: () => store.current }).open(from(undefined))
    const judged = { decisionId: 'd', method: 'tools/call', tool: 'pods_get', paged: false, texts: [] }
    const reviewed = await exchange.review(bytes(text), judged)
    if (!reviewed.ok) throw new Error('there is an answer for nobody')
    expect(Buffer.from(reviewed.bytes).toString()).not.toContain('AKIA')
    expect(textOf(reviewed)).toContain('"error"')
  })
})

describe('bounds', () => {
  it('keep a stream of what cannot be read from filling the log', async () => {
    const { review, refused } = reviewWith()
    const exchange = await review.open(from('alice'))
    for (let at = 0; at < 100; at++) exchange.refuse(bytes('broken'), responseFailure('response.not_json', 0))
    expect(refused).toHaveLength(16)
  })

  const many = (count: number) => bytes(tools(...Array.from({ length: count }, (_, at) => `t${at}`), 'pods_get'))

  it('give others their turn while a long list is judged', async () => {
    const exchange = await reviewWith({ judgeWithinMs: 60_000 }).review.open(from('alice'))
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    const filtered = await exchange.review(many(15_000), undefined)
    clearInterval(ticking)
    expect(textOf(filtered)).toBe(tools('pods_get'))
    expect(turns).toBeGreaterThan(0)
  })

  it('refuse lists of more than 20,000 items, and what takes too long', async () => {
    const exchange = await reviewWith().review.open(from('alice'))
    expect(await exchange.review(many(20_000), undefined)).toMatchObject({
      ok: false,
      reason: 'response.too_many_members',
    })
    const late = await reviewWith({ judgeWithinMs: 0 }).review.open(from('alice'))
    expect(await late.review(many(15_000), undefined)).toMatchObject({ ok: false, reason: 'response.late' })
  })
})

describe('any list', () => {
  const names = ['pods_get', 'pods_list', 'configuration_view', 'no such', 'nobody_knows', '']
  it('comes out with what each name alone would be shown as', async () => {
    const exchange = await reviewWith().review.open(from('alice'))
    const shown = new Set<string>()
    for (const name of names) {
      if (textOf(await exchange.review(bytes(tools(name)), undefined)) === tools(name)) shown.add(name)
    }
    expect(shown).toContain('pods_get')
    expect(shown).not.toContain('nobody_knows')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...names), { maxLength: 300 }), async list => {
        const expected = tools(...list.filter(name => shown.has(name)))
        expect(textOf(await exchange.review(bytes(tools(...list)), undefined))).toBe(expected)
      }),
      { numRuns: 100 },
    )
  })
})
