import { describe, expect, it } from 'vitest'
import { createTokenExchanger, type ExchangeRequest } from './token-exchanger.js'
import type { TokenAnswer } from './token-request.js'

const parameters = { audience: 'k8s', audiences: ['k8s'], resource: undefined, scopes: [] }
const start = 1_000_000

function setUp(options: { maxInFlight?: number; maxEntries?: number } = {}) {
  const clock = { now: start }
  const asked: string[] = []
  const waiting: ((answer: TokenAnswer) => void)[] = []
  const failures: string[] = []
  const exchanger = createTokenExchanger({
    endpoint: {
      exchange: token => {
        asked.push(token)
        return new Promise(resolve => waiting.push(resolve))
      },
      close: () => Promise.resolve(),
    },
    now: () => clock.now,
    onFailure: message => failures.push(message),
    ...options,
  })
  const ask = (token: string, more: Partial<ExchangeRequest> = {}) =>
    exchanger.exchange({ token, expiresAt: undefined, server: 'srv', parameters, deadline: undefined, ...more })
  const reply = (answer: TokenAnswer) => waiting.shift()?.(answer)
  const good = (token: string, lifetime = 300_000): TokenAnswer => ({
    ok: true,
    token,
    expiresAt: clock.now + lifetime,
  })
  /** Asks and has it answered. */
  const exchange = async (token: string, answer: TokenAnswer, more: Partial<ExchangeRequest> = {}) => {
    const asking = ask(token, more)
    reply(answer)
    return asking
  }
  return { clock, asked, failures, ask, reply, good, exchange }
}
const failed: TokenAnswer = { ok: false, kind: 'failed', message: 'answered 500' }
const refused: TokenAnswer = { ok: false, kind: 'refused', message: 'answered 400 invalid_grant' }

describe('createTokenExchanger', () => {
  it('gives a token again, at once, until shortly before it ends', async () => {
    const { clock, asked, ask, good, exchange } = setUp()
    expect(await exchange('alice', good('A'))).toEqual({ ok: true, token: 'A' })
    expect(ask('alice')).toEqual({ ok: true, token: 'A' })
    clock.now += 269_999
    expect(ask('alice')).toEqual({ ok: true, token: 'A' })
    clock.now += 1
    expect(await exchange('alice', good('B'))).toEqual({ ok: true, token: 'B' })
    expect(asked).toEqual(['alice', 'alice'])
  })

  it('never gives a token to another caller, Server or set of parameters', async () => {
    const { asked, good, exchange, ask } = setUp()
    await exchange('alice', good('A'))
    expect(await exchange('bob', good('B'))).toEqual({ ok: true, token: 'B' })
    expect(await exchange('alice', good('C'), { server: 'other' })).toEqual({ ok: true, token: 'C' })
    const more = { parameters: { ...parameters, scopes: ['x'] } }
    expect(await exchange('alice', good('D'), more)).toEqual({ ok: true, token: 'D' })
    expect(ask('alice')).toEqual({ ok: true, token: 'A' })
    expect(asked).toHaveLength(4)
  })

  it('does not keep a token for longer than that of the caller', async () => {
    const { clock, ask, good, exchange } = setUp()
    await exchange('alice', good('A'), { expiresAt: start + 40_000 })
    clock.now += 30_000
    expect(ask('alice')).toBeInstanceOf(Promise)
  })

  it('asks once for callers that come at the same time', async () => {
    const { asked, ask, reply, good } = setUp()
    const both = [ask('alice'), ask('alice')]
    reply(good('A'))
    expect(await Promise.all(both)).toEqual([
      { ok: true, token: 'A' },
      { ok: true, token: 'A' },
    ])
    expect(asked).toEqual(['alice'])
  })

  it('keeps nothing of which nobody said how long it is good', async () => {
    const { ask, exchange } = setUp()
    const silent: TokenAnswer = { ok: true, token: 'A', expiresAt: undefined }
    expect(await exchange('alice', silent)).toEqual({ ok: true, token: 'A' })
    expect(ask('alice')).toBeInstanceOf(Promise)
  })

  it('does not pass on a token that has expired', async () => {
    const { good, exchange } = setUp()
    expect(await exchange('alice', good('A', 0))).toEqual({ ok: false, reason: 'dependency.token_exchange' })
  })

  it.each([
    ['a refusal', refused, 'authorization.exchange_refused', 5000],
    ['a failure', failed, 'dependency.token_exchange', 1000],
  ])('remembers %s for a moment', async (_name, answer, reason, length) => {
    const { clock, ask, exchange, failures } = setUp()
    expect(await exchange('alice', answer)).toEqual({ ok: false, reason })
    clock.now += length - 1
    expect(ask('alice')).toEqual({ ok: false, reason })
    clock.now += 1
    expect(ask('alice')).toBeInstanceOf(Promise)
    expect(failures).toHaveLength(1)
  })

  it('stops asking a provider that fails everybody, and tries again', async () => {
    const { clock, asked, ask, good, exchange } = setUp()
    for (const token of ['a', 'b', 'c']) await exchange(token, failed)
    expect(ask('d')).toEqual({ ok: false, reason: 'dependency.token_exchange' })
    expect(asked).toHaveLength(3)
    clock.now += 1000
    expect(await exchange('d', good('D'))).toEqual({ ok: true, token: 'D' })
  })

  it('gives those whose tokens are there what they had, while the provider fails', async () => {
    const { ask, good, exchange } = setUp()
    await exchange('alice', good('A'))
    for (const token of ['a', 'b', 'c']) await exchange(token, failed)
    expect(ask('alice')).toEqual({ ok: true, token: 'A' })
  })

  it('refuses more than it may ask at once', async () => {
    const { ask, reply, good } = setUp({ maxInFlight: 2 })
    const first = ask('a')
    ask('b')
    expect(ask('c')).toEqual({ ok: false, reason: 'dependency.overloaded' })
    reply(good('A'))
    await first
    expect(ask('c')).toBeInstanceOf(Promise)
  })

  it('answers before the gateway stops waiting, and has the token for the next try', async () => {
    const { clock, ask, reply, good } = setUp()
    expect(await ask('alice', { deadline: clock.now + 120 })).toEqual({ ok: false, reason: 'dependency.timeout' })
    reply(good('A'))
    await new Promise(resolve => setImmediate(resolve))
    expect(ask('alice')).toEqual({ ok: true, token: 'A' })
  })

  it('forgets what was not used for longest', async () => {
    const { ask, good, exchange } = setUp({ maxEntries: 2 })
    await exchange('a', good('A'))
    await exchange('b', good('B'))
    ask('a')
    await exchange('c', good('C'))
    expect(ask('a')).toEqual({ ok: true, token: 'A' })
    expect(ask('b')).toBeInstanceOf(Promise)
  })
})
