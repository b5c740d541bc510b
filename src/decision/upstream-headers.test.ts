import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound, toolsCall } from '../../test/support/inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { InboundRequest, ListenerTrust } from '../protocol/inbound-request.js'
import { argumentsDigest, bodyDigest } from '../upstream/digests.js'
import { readSigningKey } from '../upstream/signing-key.js'
import { createTokenExchanger, type TokenExchanger } from '../upstream/token-exchanger.js'
import type { TokenAnswer } from '../upstream/token-request.js'
import { createTokenSigner } from '../upstream/token-signer.js'
import { pemKey } from '../upstream/upstream.fixture.js'
import { createDecide } from './create-decide.js'
import type { Decision } from './decision.js'
import type { Upstream } from './upstream-headers.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = (name: string, rest: string) => `
${head}
kind: Server
metadata: { name: ${name} }
spec: { resource: "https://${name}.example.com/mcp", require: [grants], ${rest} }
`
const policies = [
  server('strip', ''),
  server('passthrough', 'upstream: { authorization: passthrough, audience: up }'),
  server('open', 'anonymous: Allow, upstream: { authorization: passthrough, audience: up }'),
  server('mint', 'upstream: { authorization: mint, audience: up }'),
  server('exchange', 'upstream: { authorization: exchange, audience: up }'),
  server('impersonate', 'upstream: { identity: impersonation }'),
  server('context', 'upstream: { contextToken: true, audience: up }'),
  server('all', 'upstream: { authorization: mint, audience: up, identity: impersonation, contextToken: true }'),
  server(
    'watching',
    'mode: Audit, upstream: { authorization: exchange, audience: up, contextToken: true, identity: impersonation }',
  ),
  server('meta', 'toolPrefix: p_, metaTools: [{ tool: call_tool }], upstream: { contextToken: true }'),
  server('batches', 'batches: legacy, upstream: { authorization: exchange, audience: up }'),
  `${head}
kind: Grant
metadata: { name: everybody }
spec: { match: { servers: ["*"], tools: [echo], subjects: [{ kind: Group, name: "system:*" }] } }
`,
].join('\n---\n')

const known = namesAsTokens({
  alice: person('alice', ['staff'], { claims: new Map([['aud', ['gw', 'up']]]) }),
  bob: person('bob', ['a', 'b'], { claims: new Map([['aud', 'gw']]) }),
  carol: person('carol', [], { claims: new Map([['aud', 'up']]), onBehalfOf: 'jwt' }),
})
const store = storeOf([memorySource({ 'a.yaml': policies })], {
  ...known,
  authenticate: (request, audience) =>
    audience.anonymous === 'Allow' && !request.headers.has('authorization')
      ? {
          ok: true,
          principal: {
            ...person(''),
            kind: 'anonymous',
            user: { username: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: new Map() },
          },
        }
      : known.authenticate(request, audience),
})
const report = store.load()
if (!report.inForce) throw new Error(report.findings.map(({ message }) => message).join('\n'))

const read = readSigningKey(pemKey('ES256'))
if (!read.ok) throw new Error(read.message)
const signer = createTokenSigner({
  issuer: 'https://authz.example.com',
  keys: { current: read.key },
  contextTokenSeconds: 30,
  accessTokenSeconds: 300,
  now: Date.now,
})

function exchangerOf(answer: (token: string) => TokenAnswer): { exchanger: TokenExchanger; asked: string[] } {
  const asked: string[] = []
  const endpoint = {
    exchange: async (token: string) => {
      asked.push(token)
      return answer(token)
    },
    close: () => Promise.resolve(),
  }
  return { exchanger: createTokenExchanger({ endpoint, now: Date.now }), asked }
}

const works = (token: string): TokenAnswer => ({ ok: true, token: `for-${token}`, expiresAt: Date.now() + 60_000 })

async function ask(
  name: string,
  options: InboundOptions & { readonly trust?: ListenerTrust; readonly upstream?: Upstream | 'withheld' } = {},
): Promise<{
  decision: Decision
  set: ReadonlyMap<string, string>
  removed: readonly string[]
  reason: string
  asked: string[]
}> {
  const { exchanger, asked } = exchangerOf(works)
  const { upstream = { signer, exchangers: new Map([['default', exchanger]]) }, trust = 'unix' } = options
  const request = inbound({
    authority: `${name}.example.com`,
    body: toolsCall('echo', { n: 3 }),
    ...options,
    headers: { authorization: 'Bearer alice', ...options.headers },
  })
  const trusted: InboundRequest = { ...request, listener: { ...request.listener, trust } }
  const decision = await createDecide({ snapshot: () => store.current, upstream })(trusted)
  const { answer } = decision
  return {
    decision,
    set: new Map(answer.kind === 'allow' ? answer.setHeaders.map(header => [header.name, header.value]) : []),
    removed: answer.kind === 'allow' ? answer.removeHeaders : [],
    reason: decision.failure?.reason ?? '',
    asked,
  }
}

describe('the server gets', () => {
  it('no credential by default', async () => {
    const { set, removed } = await ask('strip')
    expect(set.has('authorization')).toBe(false)
    expect(removed).toContain('authorization')
  })

  it('the token of the caller, once and as it was read', async () => {
    const { set, removed } = await ask('passthrough')
    expect(set.get('authorization')).toBe('Bearer alice')
    expect(removed).not.toContain('authorization')
  })

  it('nothing of a caller without a token', async () => {
    const request = inbound({ authority: 'open.example.com', body: toolsCall('echo') })
    const decision = await createDecide({ snapshot: () => store.current })(request)
    const { answer } = decision
    expect(answer.kind === 'allow' && answer.setHeaders.some(({ name }) => name === 'authorization')).toBe(false)
    expect(answer.kind === 'allow' && answer.removeHeaders).toContain('authorization')
  })

  it('a token of ours', async () => {
    const token = (await ask('mint')).set.get('authorization') ?? ''
    expect(decodeJwt(token.slice(7))).toMatchObject({ iss: 'https://authz.example.com', aud: 'up', sub: 'alice' })
  })

  it('a token of the provider', async () => {
    const { set, asked } = await ask('exchange')
    expect(set.get('authorization')).toBe('Bearer for-alice')
    expect(asked).toEqual(['alice'])
  })

  it('the caller as the API server is told, and not in headers of ours', async () => {
    const { set, removed } = await ask('impersonate', {
      headers: {
        'impersonate-user': 'root',
        'impersonate-uid': '0',
        'impersonate-extra-x': 'y',
        impersonate_user: 'root',
      },
    })
    expect(set.get('impersonate-user')).toBe('alice')
    expect(set.get('impersonate-group')).toBe('staff')
    expect(removed).toEqual(
      expect.arrayContaining(['impersonate-uid', 'impersonate-extra-x', 'impersonate_user', 'x-mcp-authz-user']),
    )
    expect(removed).not.toContain('impersonate-user')
  })

  it('the call in a signed token', async () => {
    const body = toolsCall('echo', { b: 1, a: 'ä' })
    const { set, decision } = await ask('context', { body, headers: { 'x-mcp-authz-context': 'forged' } })
    expect(decodeJwt(set.get('x-mcp-authz-context') ?? '')).toMatchObject({
      aud: 'up',
      txn: decision.id,
      server: 'context',
      tool: 'echo',
      args_digest: argumentsDigest(
        new Map<string, bigint | string>([
          ['a', 'ä'],
          ['b', 1n],
        ]),
      ),
      body_digest: bodyDigest(Buffer.from(JSON.stringify(body))),
    })
  })

  it('the call as it is sent, also of a tool that calls another one', async () => {
    const args = { name: 'echo', arguments: { n: 1 } }
    const { set, reason } = await ask('meta', { body: toolsCall('p_call_tool', args) })
    expect(reason).toBe('')
    const inner = new Map<string, string | ReadonlyMap<string, bigint>>([
      ['arguments', new Map([['n', 1n]])],
      ['name', 'echo'],
    ])
    expect(decodeJwt(set.get('x-mcp-authz-context') ?? '')).toMatchObject({
      tool: 'call_tool',
      args_digest: argumentsDigest(inner),
    })
  })

  it('one token for all messages of a batch', async () => {
    const { set, asked } = await ask('batches', { body: [toolsCall('echo', {}, 1), toolsCall('echo', {}, 2)] })
    expect(set.get('authorization')).toBe('Bearer for-alice')
    expect(asked).toEqual(['alice'])
  })
})

describe('no credential is made', () => {
  it.each(['mint', 'exchange', 'context', 'all'])('by %s for a call that is denied', async name => {
    const made: string[] = []
    const { exchanger, asked } = exchangerOf(works)
    const counting = {
      contextToken: () => `${made.push('context')}`,
      accessToken: () => `${made.push('access')}`,
    }
    const upstream = { signer: counting, exchangers: new Map([['default', exchanger]]) }
    const { reason } = await ask(name, { upstream, body: toolsCall('other') })
    expect(reason).toBe('authorization.grant')
    expect([...made, ...asked]).toEqual([])
  })

  it('in Audit, where the caller’s own goes on as it came', async () => {
    const { set, removed, asked } = await ask('watching', { headers: { 'impersonate-user': 'bob' } })
    expect([...set.keys()]).toEqual(['x-mcp-authz-decision-id'])
    expect(removed).not.toContain('authorization')
    expect(removed).not.toContain('impersonate-user')
    expect(removed).toContain('x-mcp-authz-context')
    expect(asked).toEqual([])
  })

  it('for a preflight', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
    const { set } = await ask('all', { method: 'OPTIONS', body: undefined, headers })
    expect([...set.keys()]).toEqual(['x-mcp-authz-decision-id'])
  })

  it.each(['passthrough', 'exchange', 'mint', 'context'])('for an explanation (%s)', async name => {
    const { set, reason } = await ask(name, { upstream: 'withheld', trust: 'none' })
    expect(reason).toBe('')
    expect(set.has('authorization')).toBe(false)
    expect(set.has('x-mcp-authz-context')).toBe(false)
  })
})

describe('denied is', () => {
  it.each(['mint', 'exchange', 'impersonate', 'context', 'all'])(
    '%s over a listener that does not trust its peer',
    async name => expect((await ask(name, { trust: 'none' })).reason).toBe('identity.gateway_untrusted'),
  )
  it.each<[string, string, string]>([
    ['passthrough of a token for us alone', 'passthrough', 'authorization.upstream_audience'],
    ['impersonation of a caller in two groups', 'impersonate', 'authorization.upstream_identity'],
  ])('%s', async (_name, name, reason) =>
    expect((await ask(name, { headers: { authorization: 'Bearer bob' } })).reason).toBe(reason),
  )
  it.each(['passthrough', 'exchange'])('%s where the token is that of the software that acts', async name => {
    const { reason, asked } = await ask(name, { headers: { authorization: 'Bearer carol' } })
    expect(reason).toBe('authorization.upstream_identity')
    expect(asked).toEqual([])
  })
  it.each(['mint', 'exchange', 'context'])('%s when nothing can make it', async name => {
    const { reason, decision } = await ask(name, { upstream: { signer: undefined, exchangers: new Map() } })
    expect(reason).toMatch(/^dependency\./)
    expect(decision.answer).toMatchObject({ kind: 'respond', status: 503 })
  })

  it.each<[string, TokenAnswer, string, number]>([
    ['fails', { ok: false, kind: 'failed', message: '' }, 'dependency.token_exchange', 503],
    ['refuses', { ok: false, kind: 'refused', message: '' }, 'authorization.exchange_refused', 200],
  ])('exchange when the provider %s', async (_name, answer, reason, status) => {
    const { exchanger } = exchangerOf(() => answer)
    const upstream = { signer: undefined, exchangers: new Map([['default', exchanger]]) }
    const { reason: given, decision } = await ask('exchange', { upstream })
    expect(given).toBe(reason)
    expect(decision.answer).toMatchObject({ kind: 'respond', status })
  })
})

it('every name of authority is set or removed, exactly once, whatever the client sends', async () => {
  const names = fc.constantFrom(
    'impersonate-user',
    'impersonate_user',
    'Impersonate-Group',
    'impersonate-extra-a',
    'x-mcp-authz-context',
    'x_mcp_authz_context',
    'x-mcp-authz-user',
    'kubernetes-authorization',
    'impersonate-uid',
    'x-remote-user',
  )
  const sent = fc.uniqueArray(names, { maxLength: 6, selector: name => name.toLowerCase() })
  const servers = fc.constantFrom('strip', 'passthrough', 'mint', 'exchange', 'impersonate', 'context', 'all')
  await fc.assert(
    fc.asyncProperty(servers, sent, async (name, forged) => {
      const headers = Object.fromEntries(forged.map(one => [one.toLowerCase(), 'root']))
      const { decision } = await ask(name, { headers })
      if (decision.answer.kind !== 'allow') throw new Error(decision.failure?.message)
      const { setHeaders, removeHeaders } = decision.answer
      const touched = [...setHeaders.map(header => header.name), ...removeHeaders]
      expect(new Set(touched).size).toBe(touched.length)
      for (const one of ['authorization', 'impersonate-user', 'x-mcp-authz-context', ...Object.keys(headers)])
        expect(touched).toContain(one)
      for (const { value } of setHeaders) expect(value).not.toMatch(/^$|root/)
    }),
    { numRuns: 200 },
  )
})
