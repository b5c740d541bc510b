import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { connectV1 } from '../../src/demo/clients.js'
import { startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { everythingPolicies } from './support/everything-policies.js'
import { type FreshStand, freshStand, started, stopAfterEach } from './support/fresh-stand.js'
import { initialize } from './support/messages.js'
import { startSlowKeys } from './support/slow-keys.js'
import type { Stand, StandOptions } from './support/stand.js'
import { watchHealth } from './support/watch-health.js'

/** As Envoy's configuration says: how long it waits for mcp-authz. */
const GATEWAY_TIMEOUT_MS = 2_000

let stand: Stand
let alice: string
let ask: FreshStand['ask']
let passes: FreshStand['passes']
async function prepare(options: StandOptions = {}): Promise<void> {
  ;({ stand, alice, ask, passes } = await freshStand(options))
}

stopAfterEach()

/** What Envoy says in place of an authorizer that cannot be asked. */
function expectGatewayAnswer(answer: RawAnswer): void {
  expect(answer.status).toBe(503)
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '5' })
  expect(errorOf(answer)).toMatchObject({ code: -31503, data: { reason: 'gateway.authorization_unavailable' } })
}

describe('while mcp-authz is gone', () => {
  beforeEach(() => prepare())

  it('nothing passes, and the client is told why', async () => {
    expect(await passes()).toBe(true)
    stand.proxy.forget()
    stand.authz.signal('SIGKILL')
    await stand.authz.child.exited
    expectGatewayAnswer(await ask())
    expectGatewayAnswer(await rawPost({ url: stand.url, body: initialize }))
    expect(stand.proxy.count()).toBe(0)
  })

  it('and is back, requests pass again', async () => {
    stand.authz.signal('SIGKILL')
    await stand.authz.child.exited
    expectGatewayAnswer(await ask())
    await stand.restartAuthz()
    await eventually('an answer of the new process', () => passes())
  })
})

describe('a session that was open before', () => {
  it('keeps its event stream while mcp-authz is gone, and goes on when it is back', async () => {
    await prepare({ upstream: 'everything', serverName: 'everything', policies: everythingPolicies })
    const client = await connectV1({ url: stand.url, token: alice })
    const received: unknown[] = []
    client.sdk.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void received.push(params.data))
    await eventually('the event stream', () => stand.proxy.requests.some(({ method }) => method === 'GET'))

    stand.authz.signal('SIGKILL')
    await stand.authz.child.exited
    await expect(client.callTool('toggle-simulated-logging')).rejects.toThrow('gateway.authorization_unavailable')
    await stand.restartAuthz()
    await eventually('a call', () => client.callTool('toggle-simulated-logging').then(({ isError }) => !isError))
    await eventually('a notification', () => received.length > 0)
    expect(stand.proxy.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
    await client.close()
  })
})

describe('while mcp-authz hangs', () => {
  it("nothing passes, and the client waits no longer than the gateway's time-out", async () => {
    await prepare()
    expect(await passes()).toBe(true)
    stand.proxy.forget()
    await stand.authz.pause()
    const before = performance.now()
    expectGatewayAnswer(await ask())
    expect(performance.now() - before).toBeLessThan(GATEWAY_TIMEOUT_MS + 3_000)
    expect(stand.proxy.count()).toBe(0)

    stand.authz.resume()
    await eventually('an answer', () => passes())
  })
})

describe('while mcp-authz ends', () => {
  it('what is in flight is answered, nothing new is taken, and the exit is clean', async () => {
    const slow = await started(startSlowKeys())
    const partner = await started(startOpenIdProvider({ resource: 'https://mcp.example.com/mcp' }))
    await prepare()
    const token = await partner.login('alice')
    const health = await started(watchHealth(stand.grpcPort))
    await eventually('SERVING', () => health.told.at(-1) === 'SERVING')

    // The keys of a new issuer do not come: a request with its token waits for them.
    await stand.policies.write(
      'identity.yaml',
      withPartner(await stand.policies.read('identity.yaml'), partner.issuer, slow.url),
    )
    await eventually('the question for the keys', () => slow.waiting() > 0)
    const inFlight = ask(initialize, token)
    await eventually('the waiting request', () => stand.checksInFlight().then(count => count === 1))
    // Envoy counts what it has sent: once a later check on the same connection is answered, mcp-authz has the first.
    expect(await passes()).toBe(true)

    stand.authz.signal('SIGTERM')
    await eventually('NOT_SERVING', () => health.told.at(-1) === 'NOT_SERVING')
    slow.answer(await (await fetch(partner.jwksUri)).text())
    const answer = await inFlight
    expect(answer.status).toBe(401)
    expect(errorOf(answer).data.reason).toBe('identity.audience')
    await health.stop()
    expect(await stand.authz.child.exited).toEqual({ code: 0, signal: null })
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ reason: 'identity.audience' })

    expectGatewayAnswer(await ask())
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('while the issuer is gone', () => {
  it('tokens that were seen before count, and so do new ones of keys that are known', async () => {
    await prepare()
    expect(await passes()).toBe(true)
    const unseen = await stand.idp.login('alice')
    await stand.idp.stop()
    expect(await passes()).toBe(true)
    expect(await passes(unseen)).toBe(true)
  })

  it('and was never seen, tokens are answered 503, not 401: nobody is sent to a login that cannot help', async () => {
    const slow = await started(startSlowKeys())
    const partner = await started(startOpenIdProvider({ resource: 'https://mcp.example.com/mcp' }))
    await prepare()
    const token = await partner.login('alice')
    await stand.policies.write(
      'identity.yaml',
      withPartner(await stand.policies.read('identity.yaml'), partner.issuer, slow.url),
    )
    await eventually('the question for the keys', () => slow.waiting() > 0)
    await slow.stop()
    const answer = await eventually('the failure', async () => {
      const one = await ask(initialize, token)
      return one.status === 503 && one
    })
    expect(errorOf(answer).data.reason).toBe('dependency.keys_unavailable')
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await passes()).toBe(true)
  })
})

/** A second issuer, whose keys come from `keys` instead of from itself. */
function withPartner(identity: string, issuer: string, keys: string): string {
  return identity
    .replace(
      'jwt:\n',
      `jwt:\n- issuer: { url: "${issuer}", audiences: [any] }\n  claimMappings: { username: { claim: sub, prefix: "partner:" } }\n`,
    )
    .replace('  issuers:\n', `  issuers:\n    "${issuer}": { alias: partner, jwksUri: "${keys}/jwks" }\n`)
}
