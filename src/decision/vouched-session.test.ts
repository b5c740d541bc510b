import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { catalogs, demo, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { SessionKeys } from '../protocol/session-tag.js'
import { voucherHeader } from './bind-session.js'
import { createDecide } from './create-decide.js'
import { createExchangeReview } from './review-exchange.js'

const key = (id: string) => ({ id, secret: Buffer.alloc(32, id) })
const keys = new SessionKeys([key('k1')])
const store = storeOf([catalogs, demo], namesAsTokens({ alice: person('alice'), bob: person('bob') }))
store.load()

const post = (who: string, headers: Readonly<Record<string, string>>) =>
  inbound({
    headers: { authorization: `Bearer ${who}`, 'mcp-protocol-version': '2025-11-25', ...headers },
    extensions: { 'mcp-server': 'kubernetes' },
    body: { jsonrpc: '2.0', id: 1, method: 'ping' },
  })

/** A session that alice was given, as its client and as the server see it. */
async function aliceSession() {
  const review = createExchangeReview({ snapshot: () => store.current, sessions: keys })
  const tag = (await review.open(post('alice', {}))).tag('raw') ?? ''
  const { session } = await review.open(post('alice', { 'mcp-session-id': tag }))
  if (session.kind !== 'own') throw new Error('it is hers')
  return { tag, ...session }
}

async function judge(who: string, headers: Readonly<Record<string, string>>, sessions: SessionKeys | undefined = keys) {
  const records: unknown[] = []
  const decide = createDecide({
    snapshot: () => store.current,
    onDecided: decided => records.push(JSON.parse(decided.record())),
    ...(sessions !== undefined && { sessions }),
  })
  return { decision: await decide(post(who, headers)), record: records[0] }
}

const saysOf = (session: string) => ({ mcp: { method: 'ping', session } })

describe('the session in the record', () => {
  it('is bound where a response door opened it for this caller, and the server is not told', async () => {
    const { id, voucher } = await aliceSession()
    const { decision, record } = await judge('alice', { 'mcp-session-id': id, [voucherHeader]: voucher })
    expect(record).toMatchObject({ decision: 'allow', ...saysOf('bound') })
    if (decision.answer.kind !== 'allow') throw new Error('it is allowed')
    expect(decision.answer.removeHeaders).toContain(voucherHeader)
  })

  it.each<[string, (own: { tag: string; id: string; voucher: string }) => Readonly<Record<string, string>>]>([
    ['nothing vouches for it', ({ id }) => ({ 'mcp-session-id': id })],
    [
      'a client that has a tag says so itself',
      ({ id, tag }) => ({ 'mcp-session-id': id, [voucherHeader]: tag.slice(4) }),
    ],
    ['it is another session', ({ voucher }) => ({ 'mcp-session-id': 'other', [voucherHeader]: voucher })],
    ['the tag was not opened', ({ tag, voucher }) => ({ 'mcp-session-id': tag, [voucherHeader]: voucher })],
    ['it says anything else', ({ id }) => ({ 'mcp-session-id': id, [voucherHeader]: 'bound' })],
  ])('is unbound where %s', async (_why, headers) => {
    expect((await judge('alice', headers(await aliceSession()))).record).toMatchObject(saysOf('unbound'))
  })

  it('is unbound for anybody else, and without the keys', async () => {
    const { id, voucher } = await aliceSession()
    const headers = { 'mcp-session-id': id, [voucherHeader]: voucher }
    expect((await judge('bob', headers)).record).toMatchObject(saysOf('unbound'))
    expect((await judge('alice', headers, new SessionKeys([key('k2')]))).record).toMatchObject(saysOf('unbound'))
  })
})
