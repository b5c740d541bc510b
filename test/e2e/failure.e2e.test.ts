import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectV1 } from '../../src/demo/clients.js'
import { startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { everythingPolicies } from './support/everything-policies.js'
import { initialize, toolsCall } from './support/messages.js'
import { startSlowKeys } from './support/slow-keys.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'
import { watchHealth } from './support/watch-health.js'

/** As Envoy's configuration says: how long it waits for mcp-authz. */
const GATEWAY_TIMEOUT_MS = 2_000

let stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.reverse()) await stop()
  stops = []
})

async function started<T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  const part = await starting
  stops.push(() => part.stop())
  return part
}

let stand: Stand
let alice: string
async function prepare(options: StandOptions = {}): Promise<void> {
  stand = await started(startStand({ upstream: 'kubernetes-stateless', ...options }))
  alice = await stand.idp.login('alice')
}

const pods = (namespace: string): string => toolsCall('pods_list_in_namespace', { namespace })
const scaled = (scale: number): string =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'team-a', scale })

function ask(body = pods('team-a'), token = alice): Promise<RawAnswer> {
  return rawPost({ url: stand.url, token, body })
}

/** Whether the cluster was reached and answered; a denied call has status 200 too. */
const passes = async (token = alice): Promise<boolean> => {
  const answer = await ask(pods('team-a'), token)
  return answer.status === 200 && resultOf(answer).isError !== true
}

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
    stand.authz.signal('SIGSTOP')
    const before = performance.now()
    expectGatewayAnswer(await ask())
    expect(performance.now() - before).toBeLessThan(GATEWAY_TIMEOUT_MS + 3_000)
    expect(stand.proxy.count()).toBe(0)

    stand.authz.signal('SIGCONT')
    await eventually('an answer', () => passes())
  })
})

describe('while mcp-authz ends', () => {
  it('what is in flight is answered, nothing new is taken, and the exit is clean', async () => {
    const slow = await started(startSlowKeys())
    const partner = await started(startOpenIdProvider({ resource: 'https://mcp.example.com/mcp' }))
    await prepare()
    const token = await partner.login('alice')
    const health = watchHealth(stand.grpcPort)
    stops.push(() => health.stop())
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

describe('policies that break while mcp-authz runs', () => {
  beforeEach(() => prepare())
  const broken =
    'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: replica-cap }\nspec:\n  oops: 1\n'

  it.each([
    { what: 'a document', text: broken, line: 5 },
    { what: 'the YAML of a file', text: `${broken}  - [\n`, line: undefined },
    {
      what: 'an expression',
      text: broken.replace(
        'oops: 1',
        'match: { servers: [kubernetes] }\n  validations:\n  - expression: nonsense <\n    message: x',
      ),
      line: 7,
    },
  ])('$what: what was denied stays denied, and the log says where it broke', async ({ text, line }) => {
    await stand.policies.write('guardrails.yaml', text)
    const { file, line: at } = await eventually('the error', () =>
      stand.authz.logs.find(({ level }) => level === 'error'),
    )
    expect(file).toMatch(/guardrails\.yaml$/)
    if (line === undefined) expect(at).toBeGreaterThan(1)
    else expect(at).toBe(line)
    const answer = await ask(scaled(9))
    expect(resultOf(answer).isError).toBe(true)
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ policy_reason: 'ReplicaCap' })
    expect(stand.cluster.replicasOf('team-a', 'web')).toBe(2)
  })

  it('leave mcp-authz ready, with a remark', async () => {
    await stand.policies.write('guardrails.yaml', broken)
    const { ready } = await eventually('the remark', async () => {
      const readiness = await stand.authz.readiness()
      return readiness.reasons.some(reason => reason.includes('replica-cap')) && readiness
    })
    expect(ready).toBe(true)
    expect(await passes()).toBe(true)
  })

  it('are in force as soon as they are mended', async () => {
    const good = await stand.policies.read('guardrails.yaml')
    await stand.policies.write('guardrails.yaml', broken)
    await eventually('the error', () => stand.authz.logs.some(({ level }) => level === 'error'))
    expect(resultOf(await ask(scaled(4))).isError).not.toBe(true)
    await stand.policies.write('guardrails.yaml', good.replace('n <= 5', 'n <= 3'))
    await eventually('the new policy', async () => resultOf(await ask(scaled(4))).isError === true)
    expect(resultOf(await ask(scaled(3))).isError).not.toBe(true)
  })

  it('and vanish with their file: what it gave is gone, and nobody may do anything without RBAC', async () => {
    await stand.policies.delete('rbac.yaml')
    const denied = await eventually('the denial', async () => {
      const answer = await ask()
      return resultOf(answer).isError === true && answer
    })
    expect(await stand.authz.record(decisionIdOf(denied))).toMatchObject({ reason: 'authorization.rbac' })
  })
})

describe('policies mounted as a ConfigMap', () => {
  it('change when the link to them is swapped', async () => {
    await prepare({ mountedPolicies: true })
    expect(resultOf(await ask(scaled(4))).isError).not.toBe(true)
    const good = await stand.policies.read('guardrails.yaml')
    await stand.policies.write('guardrails.yaml', good.replace('n <= 5', 'n <= 3'))
    await eventually('the new policy', async () => resultOf(await ask(scaled(4))).isError === true)
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

describe('policies that are broken at the start', () => {
  /** The cap does not compile; everything else does. */
  const policies: StandOptions['policies'] = demo => ({
    ...demo,
    'guardrails.yaml': (demo['guardrails.yaml'] ?? '').replace('replicas.all(n, n <= 5)', 'replicas.all(n, n <='),
  })
  const mended = async (): Promise<string> =>
    (await stand.policies.read('guardrails.yaml')).replace('replicas.all(n, n <=', 'replicas.all(n, n <= 5)')

  it('make nothing ready, and nothing passes', async () => {
    await prepare({ policies, awaitReady: false })
    expect(await stand.authz.readiness()).toMatchObject({ ready: false })
    const answer = await ask()
    expect(answer.status).toBe(503)
    expect(errorOf(answer)).toMatchObject({ code: -31503, data: { reason: 'policy.not_loaded' } })
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ reason: 'policy.not_loaded' })
    expect(stand.proxy.count()).toBe(0)
    expect(await stand.envoySeesHealthy()).toBe(false)
  })

  it('and are mended, everything begins to work', async () => {
    await prepare({ policies, awaitReady: false })
    await stand.policies.write('guardrails.yaml', await mended())
    await stand.authz.untilReady()
    expect(await passes()).toBe(true)
    await eventually('the health check of Envoy', () => stand.envoySeesHealthy())
  })

  it('with brokenPolicies: serve: only what they could restrict is denied', async () => {
    await prepare({ policies, config: { startup: { brokenPolicies: 'serve' } } })
    expect(await stand.authz.readiness()).toMatchObject({ ready: true })
    expect(resultOf(await ask(initialize))).toMatchObject({ serverInfo: {} })
    const answer = await ask(scaled(3))
    expect(resultOf(answer).isError).toBe(true)
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ decision: 'deny', reason: 'policy.error' })
    expect(stand.cluster.writes()).toEqual([])

    await stand.policies.write('guardrails.yaml', await mended())
    await eventually('the mended policy', async () => resultOf(await ask(scaled(3))).isError !== true)
  })
})

describe('a Server in Audit', () => {
  beforeEach(() =>
    prepare({
      serverIgnoresTokens: true,
      policies: demo => ({
        ...demo,
        'server.yaml': (demo['server.yaml'] ?? '').replace('mode: Enforce', 'mode: Audit'),
      }),
    }),
  )

  it.each([
    { what: 'a call without a role', body: pods('team-b'), would: { reason: 'authorization.rbac' } },
    {
      what: 'a call against a guardrail',
      body: scaled(9),
      would: { reason: 'guardrail.violated', policy: 'Guardrail/replica-cap', policy_reason: 'ReplicaCap' },
    },
  ])('lets $what pass, and records what it would have said', async ({ body, would }) => {
    const answer = await ask(body)
    expect(resultOf(answer).isError).not.toBe(true)
    expect(stand.proxy.count()).toBe(1)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record).toMatchObject({ mode: 'audit', decision: 'allow' })
    // Depending on the time of day, policies/demo has another objection.
    expect(record.would_deny).toContainEqual(would)
  })

  it('lets a request without a token pass, and the caller keep the token it sends', async () => {
    const answer = await rawPost({ url: stand.url, body: initialize })
    expect(answer.status).toBe(200)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record.would_deny).toEqual([{ reason: 'identity.token_missing' }])
    await ask(initialize)
    expect(stand.proxy.last()?.headers.authorization).toBe(`Bearer ${alice}`)
  })

  it('is said wherever somebody looks', async () => {
    expect((await stand.authz.readiness()).reasons.join()).toContain('kubernetes')
    expect(stand.authz.logs.filter(({ message }) => message.includes('Audit'))).toHaveLength(1)
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
