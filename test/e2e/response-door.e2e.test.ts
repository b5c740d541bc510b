import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectV1, connectV2 } from '../../src/demo/clients.js'
import { DEMO_ACCOUNTS } from '../../src/demo/openid-people.js'
import { type RawAnswer, type RawPost, rawPost } from '../../src/demo/raw-post.js'
import { eventually } from './support/eventually.js'
import { everythingPolicies } from './support/everything-policies.js'
import { type ListingServer, serverSession, startListingServer } from './support/listing-server.js'
import { initialize, request } from './support/messages.js'
import { needsEnvoy } from './support/needs-envoy.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'

/** ext_authz and ext_proc side by side, as in envoy/ext-authz-and-ext-proc.yaml, and ext_proc alone, as in envoy/ext-proc.yaml. */

const key = randomBytes(32).toString('base64')
const responseDoor = { keys: [key] }
/** More than Node's limit of cancelled streams on one connection. */
const requestsInARow = 2000
const doors = [
  { doors: 'ext_authz and ext_proc', responseDoor, alone: false },
  { doors: 'ext_proc alone', responseDoor: { ...responseDoor, alone: true }, alone: true },
]
const connectModern = (options: Parameters<typeof connectV2>[0]) => connectV2({ ...options, negotiation: 'auto' })

const kubernetes = {
  shown: ['pods_list_in_namespace', 'pods_get', 'resources_scale'],
  hidden: ['pods_list', 'nodes_top', 'configuration_view', 'pods_exec'],
  denied: { tool: 'pods_list', args: {} },
  allowed: { tool: 'pods_list_in_namespace', args: { namespace: 'team-a' }, says: 'web-' },
}
const everything = {
  shown: ['echo', 'get-sum'],
  hidden: ['get-env'],
  denied: { tool: 'get-env', args: {} },
  allowed: { tool: 'echo', args: { message: 'hello' }, says: 'Echo: hello' },
}
const legacy = [
  { client: 'SDK v1', connect: connectV1 },
  { client: 'SDK v2', connect: connectV2 },
]

interface Case {
  readonly server: string
  readonly options: StandOptions
  readonly clients: readonly { readonly client: string; readonly connect: typeof connectV1 | typeof connectV2 }[]
  readonly expected: typeof kubernetes | typeof everything
}

const cases: readonly Case[] = [
  { server: 'kubernetes-mcp-server', options: {}, clients: legacy, expected: kubernetes },
  {
    server: 'kubernetes-mcp-server --stateless',
    options: { upstream: 'kubernetes-stateless' },
    clients: [{ client: 'SDK v2, modern', connect: connectModern }],
    expected: kubernetes,
  },
  {
    server: 'server-everything',
    options: { upstream: 'everything', serverName: 'everything', policies: everythingPolicies },
    clients: legacy,
    expected: everything,
  },
]

describe.each(cases)('lists of $server', ({ options, clients, expected }) => {
  const { shown, hidden, denied, allowed } = expected
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand({ ...options, responseDoor })
  })
  afterAll(() => stand?.stop())

  it.each(clients)('show $client what alice may use, and nothing else', async ({ connect }) => {
    const client = await connect({ url: stand.url, token: await stand.idp.login('alice') })
    try {
      const tools = await client.listTools()
      expect(tools).toEqual(expect.arrayContaining([...shown]))
      for (const name of hidden) expect(tools).not.toContain(name)
      expect(await client.callTool(denied.tool, denied.args)).toMatchObject({ isError: true })
      const answer = await client.callTool(allowed.tool, allowed.args)
      expect(answer.isError).toBe(false)
      expect(answer.text).toContain(allowed.says)
    } finally {
      await client.close()
    }
  })

  it('says nothing to complain about', () => {
    expect(stand.envoy.child.lines.filter(line => /\[(?:warning|error|critical)\]/.test(line))).toEqual([])
    expect(stand.authz.logs.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe.each(doors)('in front of a server of the test, by $doors', ({ responseDoor, alone }) => {
  let server: ListingServer
  let stand: Stand
  let alice: string
  let bob: string
  beforeAll(async () => {
    server = await startListingServer()
    stand = await startStand({ startServer: async () => server, responseDoor })
    alice = await stand.idp.login('alice')
    bob = await stand.idp.login('bob')
  })
  afterAll(() => stand?.stop())
  beforeEach(() => {
    server.answer({})
    server.requests.length = 0
  })

  const send = (body: string, more: Partial<RawPost> = {}): Promise<RawAnswer> =>
    rawPost({ url: stand.url, token: alice, body, ...more })
  const list = (cursor?: string) => request('tools/list', cursor === undefined ? {} : { cursor })
  const begin = async (token: string): Promise<string> => {
    const { headers } = await send(initialize, { token })
    return String(headers['mcp-session-id'])
  }
  const refused = (answer: RawAnswer) => ({ status: answer.status, reason: JSON.parse(answer.body).error.data.reason })

  it('keeps pages and cursors, and tells nobody to share the list', async () => {
    const first = JSON.parse((await send(list())).body).result
    expect(first).toMatchObject({ tools: [{ name: 'pods_get' }], nextCursor: '1' })
    const last = JSON.parse((await send(list('1'))).body).result
    expect(last.tools).toMatchObject([{ name: 'pods_log' }])
    expect(last).not.toHaveProperty('nextCursor')
  })

  it('answers many requests in a row', async () => {
    const answers = new Map<number, number>()
    for (let sent = 0; sent < requestsInARow; sent += 10) {
      for (const { status } of await Promise.all(Array.from({ length: 10 }, () => send(list()))))
        answers.set(status, (answers.get(status) ?? 0) + 1)
    }
    expect([...answers]).toEqual([[200, requestsInARow]])
  }, 60_000)

  it('filters a stream, event by event, and leaves the rest of it', async () => {
    server.answer({ stream: true })
    const { body } = await send(list())
    expect(body).toMatch(/^: first\n\nevent: message\nid: 7\ndata: \{.*\}\n\n$/)
    expect(body).toContain('pods_get')
    expect(body).not.toContain('pods_list')
  })

  it('filters lists that come on the stream of the session', async () => {
    const session = await begin(alice)
    server.answer({
      stream: true,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'pods_list' }] } }),
    })
    const headers = { 'mcp-session-id': session, 'last-event-id': '3', accept: 'text/event-stream' }
    const { body, status } = await send('', { method: 'GET', headers })
    expect(status).toBe(200)
    expect(body).toContain('"tools":[]')
  })

  it('asks the server for what it can read', async () => {
    const answer = await send(list(), { headers: { 'accept-encoding': 'gzip, br' } })
    expect(server.requests.at(-1)?.headers['accept-encoding']).toBe('identity')
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.body).not.toContain('pods_list')
  })

  it.each([
    ['compresses all the same', { forceGzip: true }],
    ['says that a list is a text', { type: 'text/plain' }],
  ])('passes no list of a server that %s', async (_what, manner) => {
    server.answer(manner)
    expect(refused(await send(list()))).toEqual({ status: 503, reason: 'internal.error' })
  })

  it.each([
    ['a list', list()],
    ['a call', request('tools/call', { name: 'pods_get', arguments: { name: 'a', namespace: 'team-a' } })],
  ])('refuses a list that cannot be read in one way only, in answer to %s', async (what, body) => {
    server.answer({ body: '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"pods_get","Name":"pods_list"}]}}' })
    const answer = await send(body)
    // What is no list is not looked at.
    if (what === 'a call') expect(JSON.parse(answer.body).result.tools).toHaveLength(1)
    else expect(JSON.parse(answer.body)).toMatchObject({ id: 1, error: { data: { reason: 'internal.error' } } })
  })

  it('leaves denials as they are', async () => {
    const without = await rawPost({ url: stand.url, body: list() })
    expect(without.status).toBe(401)
    expect(without.headers['www-authenticate']).toContain('Bearer')
    const call = await send(request('tools/call', { name: 'pods_list', arguments: {} }))
    expect(call.status).toBe(200)
    expect(JSON.parse(call.body).result).toMatchObject({ isError: true })
    expect(server.requests).toEqual([])
  })

  it('gives out sessions that only their owner can use, also after a restart with the same key', async () => {
    const session = await begin(alice)
    expect(session).toMatch(new RegExp(`^${serverSession}~[\\w-]{8}~[\\w-]{32}$`))
    const use = (token: string, id: string) => send(list(), { token, headers: { 'mcp-session-id': id } })
    const check = async () => {
      expect((await use(alice, session)).status).toBe(200)
      expect(server.requests.at(-1)?.headers['mcp-session-id']).toBe(serverSession)
      server.requests.length = 0
      expect(refused(await use(bob, session))).toEqual({ status: 404, reason: 'session.foreign' })
      expect(refused(await use(alice, serverSession))).toEqual({ status: 404, reason: 'session.unknown' })
      expect(refused(await use(alice, `${session.slice(0, -1)}!`))).toEqual({ status: 404, reason: 'session.unknown' })
      expect(refused(await send('', { method: 'DELETE', token: bob, headers: { 'mcp-session-id': session } }))).toEqual(
        {
          status: 404,
          reason: 'session.foreign',
        },
      )
      expect(server.requests).toEqual([])
    }
    await check()
    const record = await eventually('the record', () =>
      stand.authz.records.find(({ reason }) => reason === 'session.foreign'),
    )
    expect(record).toMatchObject({ decision: 'deny', server: 'kubernetes', door: 'ext-proc' })
    await stand.authz.stop()
    await stand.restartAuthz()
    await eventually('the gateway to see it', () => stand.envoySeesHealthy())
    await eventually('an answer', async () => (await use(alice, session)).status === 200)
    await check()
  })

  it('says in records and in the access log what was decided', async () => {
    const { headers } = await send(request('tools/call', { name: 'pods_list', arguments: {} }))
    const id = String(headers['x-mcp-authz-decision-id'])
    const record = await eventually('the record', () => stand.authz.records.find(one => one.decision_id === id))
    expect(record).toMatchObject({ decision: 'deny', door: alone ? 'ext-proc' : 'ext-authz', server: 'kubernetes' })
    expect(await stand.accessLog(id)).toMatchObject({ authz: { decision: 'deny', tool: 'pods_list' } })
    const allowed = await send(
      request('tools/call', { name: 'pods_get', arguments: { name: 'a', namespace: 'team-a' } }),
    )
    const other = String(allowed.headers['x-mcp-authz-decision-id'])
    expect(await stand.accessLog(other)).toMatchObject({ authz: { decision: 'allow', tool: 'pods_get' } })
    expect(server.requests.at(-1)?.headers).toMatchObject({
      'x-mcp-authz-user': 'alice',
      'x-mcp-authz-decision-id': other,
    })
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('authorization')
  })

  it('answers documents about the resource, and nothing that is no endpoint', async () => {
    const { origin } = new URL(stand.url)
    const answer = await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)
    expect([answer.status, JSON.parse(await answer.text()).resource]).toEqual([200, stand.url])
    expect(server.requests).toEqual([])
  })

  it('refuses what is too large', async () => {
    // Without body_size_limit, Envoy never answers it where ext_authz stands before ext_proc (docs/envoy.md).
    if (!alone) needsEnvoy('1.40', 'body_size_limit')
    const big = await send(
      request('tools/call', { name: 'pods_get', arguments: { name: 'a'.repeat(2 * 1024 * 1024) } }),
    )
    expect(big.status).toBe(413)
    expect(server.requests).toEqual([])
  })

  it('keeps the session of a caller without a token from the server', async () => {
    const answer = await rawPost({ url: stand.url, body: list(), headers: { 'mcp-session-id': serverSession } })
    expect(answer.status).toBe(401)
    expect(server.requests).toEqual([])
  })
})

describe.each(doors)('texts for the model, by $doors', ({ responseDoor }) => {
  const context = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Enrichment
metadata: { name: remind }
spec:
  match: { servers: [kubernetes], tools: [pods_get] }
  resultContext:
  - { expression: "'You act for ' + user.username + '.'" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-web }
spec:
  match: { servers: [kubernetes], tools: [pods_get] }
  validations:
  - { expression: "false", message: pods are going away }
  mode: Warn
`
  const block = {
    type: 'text',
    text: expect.stringMatching(/^Warning: .*pods are going away.*\nYou act for alice\.$/),
    _meta: { 'mcp-authz.dev/context': true },
  }
  const body = request('tools/call', { name: 'pods_get', arguments: { name: 'web', namespace: 'team-a' } })
  let server: ListingServer
  let stand: Stand
  beforeAll(async () => {
    server = await startListingServer()
    const policies: StandOptions['policies'] = demo => ({ ...demo, 'context.yaml': context })
    stand = await startStand({ startServer: async () => server, responseDoor, policies })
  })
  afterAll(() => stand?.stop())

  it.each([
    ['JSON', {}],
    ['a stream', { stream: true }],
  ])('stand last in a result, as %s', async (_what, manner) => {
    server.answer(manner)
    const answer = await rawPost({ url: stand.url, token: await stand.idp.login('alice'), body })
    const text = /^data: (.*)$/m.exec(answer.body)?.[1] ?? answer.body
    expect(JSON.parse(text).result).toEqual({ content: [{ type: 'text', text: 'done' }, block] })
    expect(stand.authz.logs.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe.each(doors)('guardrails about results, by $doors', ({ responseDoor }) => {
  const rules = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-keys }
spec:
  on: response
  match: { servers: [kubernetes] }
  patterns:
  - { pattern: 'AKIA[0-9A-Z]{16}' }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-rows }
spec:
  on: response
  match: { servers: [kubernetes], tools: [pods_get] }
  validations:
  - { expression: "size(result.content) <= 2", message: at most two blocks, reason: Rows }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: long }
spec:
  on: response
  match: { servers: [kubernetes], tools: [pods_get] }
  maxBytes: 40
  mode: Warn
`
  const secret = `AKIA${'ABCD1234'.repeat(2)}`
  const block = (text: string) => ({ type: 'text', text })
  const resultOf = (...texts: string[]) =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: texts.map(block) } })
  const body = request('tools/call', { name: 'pods_get', arguments: { name: 'web', namespace: 'team-a' } })
  let server: ListingServer
  let stand: Stand
  let token: string
  beforeAll(async () => {
    server = await startListingServer()
    const policies: StandOptions['policies'] = demo => ({ ...demo, 'results.yaml': rules })
    stand = await startStand({ startServer: async () => server, responseDoor, policies })
    token = await stand.idp.login('alice')
  })
  afterAll(() => stand?.stop())
  const call = (more: Partial<RawPost> = {}) => rawPost({ url: stand.url, token, body, ...more })
  const messageOf = (answer: RawAnswer) => JSON.parse(/^data: (.*)$/m.exec(answer.body)?.[1] ?? answer.body)
  const recordOf = (id: unknown) =>
    eventually('the record', () => stand.authz.results.find(one => one.decision_id === id))

  it.each([
    ['JSON', {}],
    ['JSON in pieces', { pieceBytes: 7 }],
    ['a stream', { stream: true }],
    ['a stream in pieces', { stream: true, pieceBytes: 5 }],
  ])('take a secret from %s', async (_what, manner) => {
    server.answer({ ...manner, body: resultOf(`key: ${secret}!`) })
    const answer = await call({ headers: { 'accept-encoding': 'gzip' } })
    expect(answer.body).not.toContain('AKIA')
    const { content } = messageOf(answer).result
    expect(content[0]).toEqual(block('key: [redacted by no-keys]!'))
    // What Warn has to say stands beside it.
    expect(content[1]).toMatchObject({ text: expect.stringContaining('Warning: '), _meta: expect.anything() })
    expect(await recordOf(answer.headers['x-mcp-authz-decision-id'])).toMatchObject({
      result: 'redacted',
      redactions: [{ policy: 'Guardrail/no-keys', count: 1 }],
      server: 'kubernetes',
      subject: { user: 'alice' },
      mcp: { method: 'tools/call', target: { name: 'pods_get' } },
    })
  })

  it.each([
    ['a JSON-RPC error', JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -1, message: secret } }), {}],
    ['an error page', `broken: ${secret}`, { status: 500, type: 'text/html' }],
    ['what is no JSON-RPC at all', `broken: ${secret}`, { type: 'text/plain' }],
  ])('look into %s', async (_what, text, manner) => {
    server.answer({ ...manner, body: text })
    expect((await call()).body).toContain('[redacted by no-keys]')
  })

  it.each([
    ['JSON', {}],
    ['a stream', { stream: true }],
  ])('withhold a result, as %s', async (_what, manner) => {
    server.answer({ ...manner, body: resultOf('a', 'b', 'c') })
    const answer = await call()
    const { result, id } = messageOf(answer)
    expect(id).toBe(1)
    expect(result.isError).toBe(true)
    expect(result.content[0].text).toContain('at most two blocks')
    expect(await recordOf(answer.headers['x-mcp-authz-decision-id'])).toMatchObject({
      result: 'withheld',
      failures: [{ reason: 'guardrail.violated', policy: 'Guardrail/no-rows', policy_reason: 'Rows' }],
    })
  })

  it('say what they did in numbers', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${stand.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/mcp_authz_guarded_results_total\{server="kubernetes",outcome="redacted"\} [1-9]/)
    expect(metrics).toMatch(/mcp_authz_guarded_results_total\{server="kubernetes",outcome="withheld"\} 2/)
    expect(metrics).toMatch(/mcp_authz_redactions_total\{server="kubernetes"\} [1-9]/)
  })

  it('let nothing pass that cannot be read', async () => {
    server.answer({ body: resultOf(secret), forceGzip: true })
    const answer = await call()
    expect(answer.status).toBe(503)
    server.answer({ body: '{"jsonrpc":"2.0","id":1,"result":{"content":[]},"Result":{}}' })
    expect(JSON.parse((await call()).body)).toMatchObject({ id: 1, error: { data: { reason: 'internal.error' } } })
  })
})

describe('impersonation by ext_proc alone', () => {
  let server: ListingServer
  let stand: Stand
  beforeAll(async () => {
    server = await startListingServer()
    const policies: StandOptions['policies'] = demo => ({
      ...demo,
      'server.yaml': (demo['server.yaml'] ?? '').replace(
        'mode: Enforce',
        'mode: Enforce\n  upstream: { identity: impersonation }',
      ),
    })
    const alone = { ...responseDoor, alone: true }
    const carla = { username: 'carla', password: 'c', groups: ['team-a-developers', 'staff'], tenant: 'team-a' }
    const idp = { accounts: [...DEMO_ACCOUNTS, carla] }
    stand = await startStand({ startServer: async () => server, responseDoor: alone, policies, trust: 'network', idp })
  })
  afterAll(() => stand?.stop())

  it('tells each group of the caller in a header of its own, and none of the client', async () => {
    const body = request('tools/call', { name: 'pods_get', arguments: { name: 'web', namespace: 'team-a' } })
    const token = await stand.idp.login('carla')
    const headers = { 'impersonate-group': 'system:masters', 'impersonate-uid': '0' }
    const answer = await rawPost({ url: stand.url, token, body, headers })
    expect(answer.status).toBe(200)
    const raw = server.requests.at(-1)?.rawHeaders ?? []
    const told = raw.flatMap((name, at) =>
      at % 2 === 0 && /^impersonate-/i.test(name) ? [`${name.toLowerCase()}: ${raw[at + 1]}`] : [],
    )
    expect(told).toEqual([
      'impersonate-user: carla',
      'impersonate-group: team-a-developers',
      'impersonate-group: staff',
    ])
  })
})

describe.each(doors)('a Server in Audit, by $doors', ({ responseDoor }) => {
  let server: ListingServer
  let stand: Stand
  beforeAll(async () => {
    server = await startListingServer()
    const policies: StandOptions['policies'] = demo => ({
      ...demo,
      'server.yaml': (demo['server.yaml'] ?? '').replace('mode: Enforce', 'mode: Audit'),
    })
    stand = await startStand({ startServer: async () => server, responseDoor, policies })
  })
  afterAll(() => stand?.stop())

  it('is not changed in anything', async () => {
    const token = await stand.idp.login('alice')
    const post = (body: string, headers = {}) => rawPost({ url: stand.url, token, body, headers })
    expect((await post(initialize)).headers['mcp-session-id']).toBe(serverSession)
    const answer = await post(request('tools/list', {}), { 'mcp-session-id': serverSession, 'accept-encoding': 'br' })
    expect(answer.body).toContain('pods_list')
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
    expect(server.requests.at(-1)?.headers).toMatchObject({ 'accept-encoding': 'br', 'mcp-session-id': serverSession })
  })
})
