import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LoopbackServer, startLoopbackServer } from '../../src/demo/loopback-server.js'
import { DEMO_ACCOUNTS, DEMO_CLIENTS } from '../../src/demo/openid-people.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { initialize, toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'
import { switchPolicies } from './support/switch-policies.js'

const ISSUER = 'https://authz.example.com'
const UPSTREAM = 'https://upstream.example.com'
const call = toolsCall('pods_list_in_namespace', { namespace: 'team-a' })
const denied = toolsCall('pods_list_in_namespace', { namespace: 'team-b' })

const pem = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Between mcp-authz and the provider: counts, and answers in its place. */
let endpoint: LoopbackServer
let exchanges: number
type Behaviour = 'pass' | 'silent' | 'garbage' | 'broken' | 'refuse'
let behaviour: Behaviour
let directory: string
let stand: Stand
let alice: string
/** Who has no token of theirs in any cache yet. */
let fresh: () => Promise<string>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mcp-authz-upstream-'))
  await writeFile(join(directory, 'current.pem'), pem())
  await writeFile(join(directory, 'secret'), 'mcp-authz-demo-secret\n')
  let target = ''
  endpoint = await startLoopbackServer(async (request, response) => {
    exchanges++
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (behaviour === 'silent') return
    if (behaviour === 'garbage') return void response.end('<html>Sign in</html>')
    if (behaviour === 'broken') return void response.writeHead(500).end()
    if (behaviour === 'refuse') return void response.writeHead(400).end('{"error":"invalid_grant"}')
    const { authorization = '', 'content-type': type = '' } = request.headers
    const answer = await fetch(target, {
      method: 'POST',
      headers: { authorization, 'content-type': type },
      body: Buffer.concat(chunks),
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  stand = await startStand({
    upstream: 'kubernetes-stateless',
    serverIgnoresTokens: true,
    trust: 'network',
    idp: {
      exchangeable: [UPSTREAM],
      accounts: [
        ...DEMO_ACCOUNTS,
        { username: 'carla', password: 'c', groups: ['team-a-developers', 'staff'], tenant: 'team-a' },
      ],
      clients: [...DEMO_CLIENTS, { id: 'mcp-authz', secret: 'mcp-authz-demo-secret' }],
    },
    config: idp => {
      target = `${idp.issuer}/token`
      return {
        signing: {
          issuer: ISSUER,
          keys: [{ file: join(directory, 'current.pem') }, { file: join(directory, 'previous.pem'), optional: true }],
        },
        tokenExchange: {
          default: {
            tokenEndpoint: `${endpoint.url}/token`,
            clientId: 'mcp-authz',
            clientSecretFile: join(directory, 'secret'),
            timeoutMs: 1200,
          },
        },
      }
    },
  })
  alice = await stand.idp.login('alice')
  fresh = () => stand.idp.login('alice')
})
afterAll(async () => {
  await stand?.stop()
  await endpoint?.stop()
  if (directory !== undefined) await rm(directory, { recursive: true })
})
beforeEach(() => {
  exchanges = 0
  behaviour = 'pass'
  stand.proxy.forget()
})

let serial = 0
/** Has the Server get its credentials in this way. */
async function use(upstream: object, more: object = {}): Promise<void> {
  const spec = { resource: stand.url, catalog: 'kubernetes-mcp-server', upstream, ...more }
  const metadata = { name: 'kubernetes', labels: { serial: `s${++serial}` } }
  const document = { apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Server', metadata, spec }
  const probe = () => rawPost({ url: stand.url, body: call })
  await switchPolicies(stand, 'server.yaml', JSON.stringify(document), probe)
  stand.proxy.forget()
}

function post(body: string, token = alice, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return rawPost({ url: stand.url, token, body, headers })
}

/** Every value that the server got under a name, whatever its spelling. */
function received(name: string): string[] {
  const raw = stand.proxy.last()?.rawHeaders ?? []
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase().replaceAll('_', '-') === name)
}
const bearer = (): string => {
  const [value = '', ...others] = received('authorization')
  expect(others).toEqual([])
  return value.replace(/^Bearer /, '')
}

const forged = {
  'x-mcp-authz-context': 'e30.e30.e30',
  'impersonate-user': 'root',
  'impersonate-group': 'system:masters',
  'impersonate-uid': '0',
  'impersonate-extra-scopes': 'all',
}
const names = Object.keys(forged)

describe('authorization', () => {
  it('strip: nothing arrives', async () => {
    expect(await post(call, alice, forged)).toMatchObject({ status: 200 })
    for (const name of ['authorization', ...names]) expect(received(name)).toEqual([])
  })

  it('passthrough: the token of the caller, once, if it is for the server too', async () => {
    await use({ authorization: 'passthrough', audience: stand.url })
    expect(await post(call, alice, forged)).toMatchObject({ status: 200 })
    expect(bearer()).toBe(alice)
    for (const name of names) expect(received(name)).toEqual([])
    await use({ authorization: 'passthrough', audience: UPSTREAM })
    expect(resultOf(await post(call))).toMatchObject({ isError: true })
    expect(errorOf(await post(initialize))).toMatchObject({ data: { reason: 'authorization.upstream_audience' } })
    expect(stand.proxy.count()).toBe(0)
  })

  it('mint: a token of ours that the published keys verify', async () => {
    await use({ authorization: 'mint', audience: UPSTREAM })
    expect(await post(call)).toMatchObject({ status: 200 })
    const token = bearer()
    const keys = createRemoteJWKSet(new URL(`http://127.0.0.1:${stand.httpPort}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: UPSTREAM, typ: 'at+jwt' })
    expect(payload).toMatchObject({ sub: 'alice', groups: ['team-a-developers'], tenant: 'team-a' })
    expect(await post(initialize, await stand.idp.login('bob'))).toMatchObject({ status: 200 })
    expect(decodeJwt(bearer()).sub).toBe('bob')
  })

  it('exchange: a token of the provider for this server, asked for once', async () => {
    await use({ authorization: 'exchange', audience: UPSTREAM, exchange: { resource: UPSTREAM } })
    const token = await stand.idp.exchange(await fresh())
    expect(await post(call, token)).toMatchObject({ status: 200 })
    expect(decodeJwt(bearer())).toMatchObject({
      iss: stand.idp.issuer,
      aud: UPSTREAM,
      sub: 'alice',
      act: { sub: 'mcp-authz', act: { sub: 'sre-agent' } },
    })
    const first = bearer()
    expect(await post(call, token)).toMatchObject({ status: 200 })
    expect(bearer()).toBe(first)
    expect(exchanges).toBe(1)
    await post(initialize, await stand.idp.login('bob'))
    expect(decodeJwt(bearer()).sub).toBe('bob')
  })

  it('exchange: nothing is asked for a call that is denied', async () => {
    const token = await fresh()
    expect(resultOf(await post(denied, token))).toMatchObject({ isError: true })
    expect(await post('{"jsonrpc":', token)).toMatchObject({ status: 400 })
    expect([exchanges, stand.proxy.count()]).toEqual([0, 0])
  })

  it.each<[Behaviour, number]>([
    ['silent', 503],
    ['garbage', 503],
    ['broken', 503],
  ])('exchange: a provider that is %s opens nothing and stalls nobody', async (how, status) => {
    expect(await post(call)).toMatchObject({ status: 200 })
    const token = await fresh()
    stand.proxy.forget()
    behaviour = how
    const waiting = post(call, token)
    // One whose token is there already does not wait for the others.
    let settled = false
    void waiting.then(() => {
      settled = true
    })
    expect(await post(call)).toMatchObject({ status: 200 })
    if (how === 'silent') expect(settled).toBe(false)
    const answer = await waiting
    expect(answer).toMatchObject({ status })
    expect(errorOf(answer).data.reason).toMatch(/^dependency\.(token_exchange|timeout)$/)
    expect(stand.proxy.count()).toBe(1)
    behaviour = 'pass'
    await eventually('the provider to be asked again', async () => (await post(call, token)).status === 200)
  })

  it('exchange: a provider that refuses is believed', async () => {
    behaviour = 'refuse'
    const answer = await post(call, await fresh())
    expect(resultOf(answer).content?.[0]?.text).toContain('authorization.exchange_refused')
    expect(stand.proxy.count()).toBe(0)
  })

  it('exchange: no secret and no token stands in the log', async () => {
    const text = JSON.stringify([stand.authz.logs, stand.authz.records])
    expect(text).toContain('tokenExchange default')
    expect(text).not.toContain('mcp-authz-demo-secret')
    expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{20}/)
  })
})

describe('impersonation', () => {
  it('says who asks, exactly once, and nothing that the client says', async () => {
    await use({ identity: 'impersonation' })
    const spelled = { ...forged, impersonate_user: 'root', 'x-mcp-authz-user': 'root' }
    expect(await post(call, alice, spelled)).toMatchObject({ status: 200 })
    expect(received('impersonate-user')).toEqual(['alice'])
    expect(received('impersonate-group')).toEqual(['team-a-developers'])
    for (const name of ['impersonate-uid', 'impersonate-extra-scopes', 'x-mcp-authz-user', 'authorization'])
      expect(received(name)).toEqual([])
  })

  it('of somebody in several groups does not pass, unless the Server says which count', async () => {
    const answer = await post(call, await stand.idp.login('carla'))
    expect(resultOf(answer).content?.[0]?.text).toContain('authorization.upstream_identity')
    expect(stand.proxy.count()).toBe(0)
    await use({ identity: 'impersonation', impersonation: { groups: ['team-a-developers'] } })
    expect(await post(call, await stand.idp.login('carla'))).toMatchObject({ status: 200 })
    expect(received('impersonate-group')).toEqual(['team-a-developers'])
  })
})

describe('in Audit', () => {
  it('the own token of the caller goes on, and none of ours', async () => {
    const upstream = { authorization: 'exchange', audience: UPSTREAM, contextToken: true, identity: 'impersonation' }
    await use(upstream, { mode: 'Audit' })
    const token = await fresh()
    expect(await post(denied, token, forged)).toMatchObject({ status: 200 })
    expect(bearer()).toBe(token)
    expect(exchanges).toBe(0)
    expect(received('impersonate-user')).toEqual(['root'])
    expect(received('x-mcp-authz-context')).toEqual([])
  })
})

describe('keys', () => {
  it('rotate by their files, each published before it signs', async () => {
    await use({ contextToken: true, audience: UPSTREAM })
    const signedBy = async () => {
      await post(call)
      return decodeProtectedHeader(received('x-mcp-authz-context')[0] ?? '').kid
    }
    const published = async () => {
      const answer = await rawPost({
        url: `http://127.0.0.1:${stand.httpPort}/.well-known/jwks.json`,
        method: 'GET',
        body: '',
      })
      const { keys }: { keys: { kid: string }[] } = JSON.parse(answer.body)
      expect(answer.body).not.toContain('"d"')
      return keys.map(({ kid }) => kid)
    }
    const before = await signedBy()
    expect(await published()).toEqual([before])
    await rename(join(directory, 'current.pem'), join(directory, 'previous.pem'))
    await writeFile(join(directory, 'current.pem'), pem())
    await eventually('the new key', async () => (await published()).length === 2, 15_000)
    expect((await published())[1]).toBe(before)
    expect(await signedBy()).toBe(before)
  })

  it('name the decision in the token', async () => {
    const id = decisionIdOf(await post(call))
    expect(decodeJwt(received('x-mcp-authz-context')[0] ?? '')).toMatchObject({
      txn: id,
      aud: UPSTREAM,
      server: 'kubernetes',
      tool: 'pods_list_in_namespace',
    })
  })
})
