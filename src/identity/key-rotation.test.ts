import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Authenticated, Authenticator } from './authenticator.js'
import { requestWith, signingKey, unsigned } from './identity.fixture.js'
import type { IdentityEvent } from './identity-event.js'
import {
  accepted,
  authenticatorFor,
  type PrivateJwk,
  privateJwk,
  resource,
  startProvider,
  type TestProvider,
} from './oidc-provider.fixture.js'

let provider: TestProvider
let authenticator: Authenticator
let events: IdentityEvent[]

beforeEach(async () => {
  provider = await startProvider()
  events = []
  authenticator = authenticatorFor([provider], { onEvent: event => events.push(event) })
  await authenticator.start()
})
afterEach(() => {
  authenticator.stop()
  provider.close()
})

const present = (token: string, milliseconds?: number) =>
  authenticator.authenticate(
    requestWith({
      authorization: `Bearer ${token}`,
      ...(milliseconds !== undefined && { deadline: Date.now() + milliseconds }),
    }),
    accepted,
  )
const outcome = (answer: Authenticated) => (answer.ok ? 'ok' : answer.reason)
const newToken = () => provider.token({ grant_type: 'client_credentials', resource })
const others = (keys: readonly PrivateJwk[]) => keys.filter(({ alg }) => alg !== 'ES256')

describe('an issuer that changes its keys under load', () => {
  it('without notice, twice: no request fails, and warm ones never wait', async () => {
    const warm = await newToken()
    await present(warm)
    const outcomes = new Map<string, number>()
    const count = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
    let running = true
    const caller = async () => {
      while (running) {
        // Another token each time, as many callers bring.
        count(outcome(await present(await newToken())))
        const again = present(warm)
        count(again instanceof Promise ? 'warm request waits' : `warm ${outcome(again)}`)
      }
    }
    const callers = Promise.all(Array.from({ length: 4 }, caller))
    const someMore = async () => {
      const before = outcomes.get('ok') ?? 0
      while ((outcomes.get('ok') ?? 0) < before + 20 && outcomes.size <= 2) await sleep(5)
    }
    for (const kid of ['second', 'third']) {
      await someMore()
      const kept = provider.keys.filter(({ alg }) => alg === 'ES256')
      provider.rotate([await privateJwk('ES256', kid), ...kept, ...others(provider.keys)])
    }
    await someMore()
    running = false
    await callers
    expect([...outcomes.keys()].sort()).toEqual(['ok', 'warm ok'])
    // The first load, and one for each new key, however many tokens came with it at once.
    expect(provider.fetches).toBe(3)
    expect(events.map(({ kind }) => kind)).toEqual(['keys_loaded', 'keys_loaded', 'keys_loaded'])
  })

  it('and keeps the key id', async () => {
    const before = await newToken()
    expect(outcome(await present(before))).toBe('ok')
    provider.rotate([await privateJwk('ES256'), ...others(provider.keys)])
    expect(outcome(await present(await newToken()))).toBe('ok')
    // The key is gone, and with it what it signed.
    expect(outcome(await present(before))).toBe('identity.signature')
  })

  it('and drops the old one: what it signed ends, what the new one signs is good', async () => {
    const before = await newToken()
    expect(outcome(await present(before))).toBe('ok')
    provider.rotate([await privateJwk('ES256', 'second'), ...others(provider.keys)])
    expect(outcome(await present(await newToken()))).toBe('ok')
    expect(outcome(await present(before))).toBe('identity.key_unknown')
  })

  it('and names none in its tokens', async () => {
    const nameless = async () => provider.sign({ ...(await claims()) }, { kid: undefined })
    expect(outcome(await present(await nameless()))).toBe('ok')
    provider.rotate([await privateJwk('ES256', 'second'), ...provider.keys])
    expect(outcome(await present(await nameless()))).toBe('ok')
  })
})

const claims = async () => ({
  iss: provider.issuer,
  aud: resource,
  sub: 'alice',
  exp: Math.floor(Date.now() / 1000) + 300,
})

describe('an issuer that', () => {
  type Handler = NonNullable<Parameters<TestProvider['interrupt']>[0]>
  const outages: readonly [string, Handler, string][] = [
    ['is down', request => request.socket.destroy(), 'dependency.keys_unavailable'],
    ['answers with errors', (_, response) => response.writeHead(503).end(), 'dependency.keys_unavailable'],
    ['serves garbage', (_, response) => response.end('<html>welcome</html>'), 'dependency.keys_unavailable'],
    ['serves no keys', (_, response) => response.end('{"keys":[]}'), 'dependency.keys_unavailable'],
    [
      'redirects',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'dependency.keys_unavailable',
    ],
    ['never answers', () => undefined, 'dependency.timeout'],
    [
      'answers byte by byte',
      (_, response) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      'dependency.timeout',
    ],
  ]

  it.each(outages)('%s admits nobody new, and lets nobody wait whose key is known', async (_, handler, reason) => {
    const [warm, cold] = await Promise.all([newToken(), newToken()])
    expect(outcome(await present(warm))).toBe('ok')
    provider.interrupt(handler)
    // Warm: at once. A new token under a known key: no I/O either.
    const atOnce = present(warm)
    expect(atOnce instanceof Promise ? 'waits' : outcome(atOnce)).toBe('ok')
    expect(outcome(await present(cold))).toBe('ok')
    // Keys that cannot be looked up: 503, never 401 and never ok, and in time.
    const stranger = await signingKey('stranger')
    const unknown = await stranger.sign(await claims())
    // Whoever hangs is waited for as long as the gateway waits, not as long as a fetch may take.
    const patience = reason === 'dependency.timeout' ? 300 : 15_000
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(unknown, patience)))
    expect(answers.map(outcome)).toEqual(Array.from({ length: 20 }, () => reason))
    expect(performance.now() - started).toBeLessThan(4000)
    const forged = unsigned({ alg: 'ES256', kid: 'ES256' }, await claims(), 'A'.repeat(86))
    expect(['identity.signature', 'dependency.timeout']).toContain(outcome(await present(forged, patience)))
    const stillWarm = present(warm)
    expect(stillWarm instanceof Promise ? 'waits' : outcome(stillWarm)).toBe('ok')
  })

  it.each(outages)('%s from the beginning makes nobody ready', async (_, handler) => {
    const token = await newToken()
    provider.interrupt(handler)
    const late = authenticatorFor([provider])
    // Not awaited: its first attempt may take as long as an attempt may take.
    const started = late.start()
    const answer = await late.authenticate(
      requestWith({ authorization: `Bearer ${token}`, deadline: Date.now() + 200 }),
      accepted,
    )
    expect(outcome(answer)).toMatch(/^dependency\./)
    expect(late.ready).toBe(false)
    late.stop()
    provider.close()
    await Promise.race([started, sleep(100)])
  })
})
