import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RawAnswer } from '../../src/demo/raw-post.js'
import { formatFinding } from '../../src/documents/format-finding.js'
import { checkEnvoy } from '../../src/gateway-check/check-envoy.js'
import {
  type Call,
  type ConfigurationOptions,
  type ConfigurationStand,
  type Issuer,
  startConfiguration,
  startIssuer,
} from './envoy-configurations-stand.js'
import { eventually } from './support/eventually.js'
import { request, toolsCall } from './support/messages.js'
import { envoyHas } from './support/needs-envoy.js'

/*
 * Each configuration in envoy/ with the Config and policies beside it, under a real Envoy: ENVOY_BIN, or the one that is
 * pinned. Before 1.40 the body_size_limit filter is left out, which older ones do not know.
 */

let issuer: Issuer
beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(() => issuer?.stop())

const allowed = toolsCall('pods_get', { namespace: 'team-a', name: 'web-1' })
const denied = toolsCall('pods_delete', { namespace: 'team-b', name: 'web-1' })
/** Envoy 1.40 calls it an error when a client sends too much. */
const complaints = ({ envoy }: ConfigurationStand) =>
  envoy.child.lines.filter(
    line => /\[(?:warning|error|critical)\]|deprecat/i.test(line) && !line.includes('body_size_limit_filter.cc'),
  )
const resultOf = ({ body }: RawAnswer) => JSON.parse(body).result
const reasonOf = ({ body }: RawAnswer) => JSON.parse(body).result?._meta?.['mcp-authz.dev/decision']?.reason

interface Particulars {
  /** What alice's client does besides sending a token, and what is in that. */
  readonly caller?: Partial<Call>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly options?: Omit<ConfigurationOptions, 'issuer'>
}

/** What holds for all of them. */
function behavesWell(
  name: string,
  { caller = {}, claims = {}, options = {} }: Particulars,
  more: (stand: () => ConfigurationStand, call: (call: Call) => Promise<RawAnswer>) => void = () => {},
): void {
  describe(`envoy/${name}.yaml`, () => {
    let stand: ConfigurationStand
    let token = ''
    beforeAll(async () => {
      stand = await startConfiguration(name, { issuer, ...options })
      token = await issuer.token(claims)
    })
    afterAll(() => stand?.stop())
    beforeEach(() => {
      for (const server of Object.values(stand.servers)) server.requests.length = 0
    })
    const call = (what: Call) => stand.call({ ...caller, token, ...what })
    const reached = () => stand.servers[8081].requests

    it('is valid, and Envoy has nothing to say about it', async () => {
      expect(stand.validation).toBe("configuration 'envoy.yaml' OK")
      expect(complaints(stand)).toEqual([])
    })

    it('has no findings as it runs', async () => {
      const text = await (await fetch(`${stand.envoy.adminUrl}/config_dump`)).text()
      const { findings, checkedManagers } = checkEnvoy([{ file: 'dump.json', text }])
      // ext_proc alone has nothing checked in part: without that filter, its buffer refuses what is too large.
      const lacks = envoyHas('1.40') || name === 'ext-proc' ? [] : [expect.stringContaining('[envoy.body_size_limit]')]
      expect(findings.map(formatFinding)).toEqual(lacks)
      expect(checkedManagers).toBe(1)
    })

    it('lets pass what is allowed, without the token and with what mcp-authz says of the caller', async () => {
      const forged = { 'x-mcp-authz-user': 'root', 'x-mcp-authz-groups': 'system:masters', 'impersonate-user': 'root' }
      expect(resultOf(await call({ body: allowed, headers: forged }))).toEqual({
        content: [{ type: 'text', text: 'done' }],
      })
      expect(reached()).toHaveLength(1)
      const headers = reached()[0]?.headers ?? {}
      expect(headers).toMatchObject({ 'x-mcp-authz-user': 'alice', 'content-length': String(allowed.length) })
      expect(headers).not.toHaveProperty('authorization')
      expect(headers).not.toHaveProperty('impersonate-user')
      expect(headers['x-mcp-authz-groups']).not.toContain('masters')
    })

    it('denies the rest, and the server hears nothing of it', async () => {
      const answer = await call({ body: denied })
      expect(answer.status).toBe(200)
      expect(reasonOf(answer)).toMatch(/^authorization\./)
      expect(reached()).toEqual([])
    })

    it('tells callers without a token where to log in', async () => {
      const { status, headers } = await stand.call({ ...caller, body: allowed })
      expect(status).toBe(401)
      const url = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
      expect(headers['www-authenticate']).toContain(`resource_metadata="${url}"`)
      const path = url.slice('https://mcp.example.com'.length)
      const metadata = await stand.call({ ...caller, method: 'GET', path })
      expect(JSON.parse(metadata.body)).toMatchObject({ resource: 'https://mcp.example.com/mcp' })
      expect(reached()).toEqual([])
    })

    it('refuses what is too large, and what leads nowhere', async () => {
      const large = toolsCall('pods_get', { namespace: 'team-a', name: 'x'.repeat(1024 * 1024) })
      expect((await call({ body: large })).status).toBe(413)
      // ext_proc is asked before a route is looked for.
      expect((await call({ body: allowed, path: '/metrics' })).status).toBe(name === 'ext-proc' ? 403 : 404)
      expect((await call({ body: allowed, path: '/mcp%2f..' })).status).toBe(400)
      expect(reached()).toEqual([])
    })

    it('does not repeat calls because a client wants it', async () => {
      const headers = { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '3', 'x-forwarded-for': '10.0.0.1' }
      await call({ body: allowed, headers })
      expect(reached()).toHaveLength(1)
      expect(reached()[0]?.headers).not.toHaveProperty('x-envoy-retry-on')
    })

    more(() => stand, call)

    it('lets nothing pass when mcp-authz is away, and has warned of nothing', async () => {
      expect(complaints(stand)).toEqual([])
      await stand.authz.stop()
      const { status, body } = await call({ body: allowed })
      expect(status).toBe(503)
      expect(JSON.parse(body).error).toMatchObject({
        code: -31503,
        data: { reason: 'gateway.authorization_unavailable' },
      })
      expect(reached()).toEqual([])
    })
  })
}

behavesWell('ext-authz', {}, (_stand, call) => {
  it('shows lists as the server has them', async () => {
    expect(await toolsOf(call)).toEqual(['pods_list', 'pods_get'])
  })
})

behavesWell('ext-authz-and-ext-proc', {}, (_stand, call) => {
  it('shows lists without what may not be used', async () => {
    expect(await toolsOf(call)).toEqual(['pods_get'])
  })
})

behavesWell('ext-proc', {}, (_stand, call) => {
  it('shows lists without what may not be used', async () => {
    expect(await toolsOf(call)).toEqual(['pods_get'])
  })
})

behavesWell('jwt-authn', {}, (stand, call) => {
  it.each([
    ['has expired', { expiresInSeconds: -120 }, 401],
    ['is for another', { audience: 'https://other.example.com' }, 403],
  ])('Envoy refuses a token that %s, and mcp-authz is not asked', async (_what, options, status) => {
    for (const token of [await issuer.token({}, options), 'e30.e30.e30']) {
      const answer = await call({ body: allowed, token })
      expect(answer.status).toBe(token.startsWith('e30.') ? 401 : status)
      expect(answer.headers).not.toHaveProperty('x-mcp-authz-decision-id')
    }
    expect(stand().servers[8081].requests).toEqual([])
  })

  it('takes no token from the query', async () => {
    const path = `/mcp?access_token=${await issuer.token()}`
    expect((await stand().call({ body: allowed, path })).status).toBe(400)
    expect(stand().servers[8081].requests).toEqual([])
  })
})

describe.each(['ext-authz-and-ext-proc', 'ext-proc'])('envoy/%s.yaml, when mcp-authz dies before the answer', name => {
  let stand: ConfigurationStand
  beforeAll(async () => {
    stand = await startConfiguration(name, { issuer, serverTakesMs: 2000 })
  })
  afterAll(() => stand?.stop())

  it('withholds the answer, and says that the call may have been executed', async () => {
    const answering = stand.call({ body: allowed, token: await issuer.token() })
    await eventually('the decision', () => stand.authz.records.find(({ decision }) => decision === 'allow'))
    stand.authz.signal('SIGKILL')
    const { status, body } = await answering
    expect(status).toBe(503)
    expect(JSON.parse(body).error).toMatchObject({ code: -31503, data: { reason: 'gateway.answer_withheld' } })
  })
})

const agent = 'spiffe://acme.com/ns/agents/sa/sre-agent'
const workloads = [agent, 'spiffe://acme.com/ns/agents/sa/other', 'spiffe://example.org/ns/agents/sa/stranger']
const asAgent = { caller: { certificate: 'sre-agent' }, claims: { client_id: 'sre-agent' }, options: { workloads } }

behavesWell('mtls-spiffe', asAgent, (stand, call) => {
  it('holds the agent to what its ServiceAccount may, and tells the server its name', async () => {
    const headers = { 'x-forwarded-client-cert': 'URI=spiffe://acme.com/ns/kube-system/sa/root' }
    expect(resultOf(await call({ body: allowed, headers }))).not.toHaveProperty('isError')
    const [request] = stand().servers[8081].requests
    expect(request?.headers).toMatchObject({ 'x-mcp-authz-workload': agent })
    expect(request?.headers).not.toHaveProperty('x-forwarded-client-cert')
    const inTeamA = toolsCall('pods_delete', { namespace: 'team-a', name: 'web-1' })
    const result = resultOf(await call({ body: inTeamA }))
    expect(result.content[0].text).toContain('system:serviceaccount:agents:sre-agent')
    const { workload } = await stand().authz.record(result._meta['mcp-authz.dev/decision'].decisionId)
    expect(workload).toBe(agent)
  })

  it('takes a token from no other agent than the one it was given to', async () => {
    expect(reasonOf(await call({ body: allowed, certificate: 'other' }))).toBe('guardrail.violated')
    expect(stand().servers[8081].requests).toEqual([])
  })

  it.each([
    ['no certificate', undefined],
    ['one of another trust domain', 'stranger'],
  ])('refuses connections with %s', async (_what, certificate) => {
    await expect(call({ body: allowed, certificate })).rejects.toThrow(/certificate|closed|reset|hang up/i)
  })
})

behavesWell('a2a-and-llm', {}, (stand, call) => {
  const to = async (path: '/a2a' | '/v1/chat/completions', body: object, token?: string) =>
    call({
      path,
      body: JSON.stringify(body),
      token: token ?? (await issuer.token({}, { audience: `https://mcp.example.com${path}` })),
    })
  const message = (method: string) => ({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: { message: { role: 'user', parts: [] } },
  })
  const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'hello' }] })

  it('lets messages to the agent pass, and nothing else', async () => {
    expect((await to('/a2a', message('message/send'))).status).toBe(200)
    expect(stand().servers[8083].requests[0]?.headers).toMatchObject({ 'x-mcp-authz-user': 'alice' })
    const answer = await to('/a2a', message('tasks/pushNotificationConfig/set'))
    expect(answer.status).toBe(403)
    expect(answer.body).toContain('message/send')
    expect(stand().servers[8083].requests).toHaveLength(1)
  })

  it('lets the LLM be asked with its own key, by the models that are allowed', async () => {
    expect((await to('/v1/chat/completions', chat('small'))).status).toBeLessThan(300)
    const { headers = {} } = stand().servers[8084].requests[0] ?? {}
    expect(headers).toMatchObject({ 'x-mcp-authz-user': 'alice', authorization: 'Bearer -' })
    expect((await to('/v1/chat/completions', chat('large'))).status).toBe(403)
    expect(stand().servers[8084].requests).toHaveLength(1)
  })

  it('takes the token of one for none of the others', async () => {
    const forMcp = await issuer.token()
    expect((await to('/a2a', message('message/send'), forMcp)).status).toBe(401)
    expect((await to('/v1/chat/completions', chat('small'), forMcp)).status).toBe(401)
  })

  it('shows its health and the card of the agent to everybody', async () => {
    expect((await stand().call({ method: 'GET', path: '/healthz' })).status).toBe(200)
    const card = await stand().call({ method: 'GET', path: '/.well-known/agent-card.json' })
    expect(card).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(card.body)).toMatchObject({ url: 'https://mcp.example.com/a2a' })
    const path = '/.well-known/oauth-protected-resource/a2a'
    expect(JSON.parse((await stand().call({ method: 'GET', path })).body)).toMatchObject({
      resource: 'https://mcp.example.com/a2a',
    })
  })
})

async function toolsOf(call: (call: Call) => Promise<RawAnswer>): Promise<readonly string[]> {
  const { tools } = resultOf(await call({ body: request('tools/list', {}) }))
  return tools.map(({ name }: { readonly name: string }) => name)
}
