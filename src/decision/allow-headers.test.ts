import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound } from '../../test/support/inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { anonymousPrincipal } from '../identity/anonymous-principal.js'
import type { Authenticator } from '../identity/authenticator.js'
import { authorityHeaders, ownHeaders } from './allow-headers.js'
import { createDecide } from './create-decide.js'
import type { Answer } from './decision.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const policies = `
${head}
kind: Server
metadata: { name: enforcing }
spec: { resource: https://mcp.example.com/mcp, require: [grants] }
---
${head}
kind: Server
metadata: { name: open }
spec: { resource: https://open.example.com/mcp, require: [grants], anonymous: Allow }
---
${head}
kind: Server
metadata: { name: watching }
spec: { resource: https://audit.example.com/mcp, require: [grants], mode: Audit }
---
${head}
kind: Enrichment
metadata: { name: team }
spec:
  match: { servers: ["*"], tools: [never] }
  requestHeaders: [{ name: x-mcp-authz-team, valueExpression: "'a'" }]
`
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' }

const known = namesAsTokens({ alice: person('alice', ['staff']) })
const authenticator: Authenticator = {
  ...known,
  authenticate: (request, audience) =>
    request.authority.startsWith('open.')
      ? { ok: true, principal: anonymousPrincipal('') }
      : known.authenticate(request, audience),
}
const store = storeOf([memorySource({ 'a.yaml': policies })], authenticator)
if (!store.load().inForce) throw new Error('the policies do not load')
const decide = createDecide({ snapshot: () => store.current })

type Allow = Answer & { kind: 'allow' }

/** Ways in which a request comes to be allowed with nothing of the client's authority left. */
const passages: readonly [string, InboundOptions][] = [
  ['of somebody known', { headers: { authorization: 'Bearer alice' }, body: ping }],
  ['of nobody', { authority: 'open.example.com', body: ping }],
  ['that is a preflight', { method: 'OPTIONS', headers: preflight }],
  ['that opens a stream', { method: 'GET', headers: { authorization: 'Bearer alice', accept: 'text/event-stream' } }],
]
const audited: InboundOptions = {
  authority: 'audit.example.com',
  headers: { authorization: 'Bearer alice' },
  body: ping,
}

function allowed(options: InboundOptions, headers: Readonly<Record<string, string>> = {}): Allow {
  const decision = decide(inbound({ ...options, headers: { ...options.headers, ...headers } }))
  if (decision instanceof Promise) throw new Error('the pipeline waited although everything is warm')
  if (decision.answer.kind !== 'allow') throw new Error(`it was denied: ${decision.failure?.reason}`)
  return decision.answer
}

const filled = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']))

/** Names of families, of which only what was sent can be removed. */
const members = [
  'impersonate-extra-scopes',
  'impersonate-extra-mcp.example.com%2fclient',
  'x-remote-extra-scopes',
  'x-auth-request-redirect',
  'x-webauth-user',
  'x-authentik-username',
  'x-pomerium-jwt-assertion',
  'x-goog-authenticated-user-email',
  'x-amzn-oidc-identity',
  'x-ms-client-principal-name',
  'cf-access-jwt-assertion',
  'tailscale-user-login',
  'x-vouch-user',
  'x-authenticated-userid',
  'x-consumer-username',
  'x-credential-identifier',
  'client-cert-chain',
  'x-client-cert',
  'ssl-client-subject-dn',
  'x-ssl-client-s-dn',
  'x-amzn-mtls-clientcert-subject',
  'x-forwarded-tls-client-cert-info',
  'x-serverless-authorization',
]

describe.each(passages)('a request %s', (_name, options) => {
  it('loses every name of authority, seen or not', () => {
    expect(allowed(options).removeHeaders).toEqual(expect.arrayContaining(['authorization', ...authorityHeaders]))
  })

  // Framing refuses the look-alikes of proxy-authorization already.
  const spelled = [...authorityHeaders, ...members].filter(name => name !== 'proxy-authorization')
  it.each(spelled)('loses %s in every spelling', name => {
    const spellings = [name, name.replaceAll('-', '_'), name.replace('-', '_'), name.replaceAll('-', '.')]
    for (const spelling of spellings) {
      expect(allowed(options, { [spelling]: 'root' }).removeHeaders).toContain(spelling)
    }
  })

  it.each([...ownHeaders, 'x-mcp-authz-team', 'x-mcp-authz-not-known-yet'])('has %s set or removed', name => {
    const touched = (answer: Allow) => [...answer.setHeaders.map(header => header.name), ...answer.removeHeaders]
    expect(touched(allowed(options, { [name]: 'root' }))).toContain(name)
    for (const spelling of [name.replaceAll('-', '_'), name.replace('x-mcp', 'x_mcp'), name.replaceAll('-', '.')]) {
      expect(allowed(options, { [spelling]: 'root' }).removeHeaders).toContain(spelling)
    }
  })

  it('never has a name both set and removed, nor twice', () => {
    const forged = Object.fromEntries([...ownHeaders, ...members].map(name => [name, 'root']))
    const { setHeaders, removeHeaders } = allowed(options, forged)
    const names = [...setHeaders.map(({ name }) => name), ...removeHeaders]
    expect(new Set(names).size).toBe(names.length)
  })

  it('keeps what says nothing of authority', () => {
    const harmless = {
      ...{ cookie: 'a', 'x-forwarded-for': '1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'h', remote: 'r' },
      ...{ 'x-request-id': '1', 'x-impersonate': 'x', 'x-remotes': 'x', user_agent: 'x' },
    }
    const { removeHeaders } = allowed(options, harmless)
    for (const name of Object.keys(harmless)) expect(removeHeaders).not.toContain(name)
  })
})

describe('a request to a Server in Audit', () => {
  it('loses only what would pass for ours', () => {
    const forged = Object.fromEntries([...authorityHeaders, ...members, 'x_mcp_authz_user'].map(name => [name, 'root']))
    const { setHeaders, removeHeaders } = allowed(audited, forged)
    expect(setHeaders.map(({ name }) => name)).toEqual(['x-mcp-authz-decision-id'])
    for (const name of removeHeaders) expect(name.replaceAll('_', '-')).toMatch(/^x-mcp-authz-/)
    expect(removeHeaders).toEqual(expect.arrayContaining(['x-mcp-authz-user', 'x_mcp_authz_user']))
  })

  it('keeps its authority also when it is a preflight', () => {
    const asked = { ...preflight, 'impersonate-user': 'root', authorization: 'Basic eA==', 'x-mcp-authz-user': 'root' }
    const { removeHeaders } = allowed({ method: 'OPTIONS', authority: 'audit.example.com' }, asked)
    for (const name of removeHeaders) expect(name).toMatch(/^x-mcp-authz-/)
  })

  it('with as many headers as the gateway takes gets none of ours beside them, and still loses the forged ones', () => {
    const { setHeaders, removeHeaders } = allowed(audited, { ...filled(90), 'x-mcp-authz-decision-id': 'forged' })
    expect(setHeaders).toEqual([])
    expect(removeHeaders).toEqual(['x-mcp-authz-decision-id'])
  })
})

describe('names that were seen before', () => {
  it('leave where they have to, whatever request showed them first', () => {
    const names = Object.fromEntries(
      ['mcp-param-region', 'x-remote-uid-2', 'x-plain', 'x-mcp-authz-else'].map(n => [n, 'v']),
    )
    const removed = (options: InboundOptions) => allowed(options, names).removeHeaders.filter(name => name in names)
    const legacy: InboundOptions = { headers: { authorization: 'Bearer alice' }, body: ping }
    const everything = ['mcp-param-region', 'x-mcp-authz-else', 'x-remote-uid-2']
    for (const round of [1, 2]) {
      expect(removed(audited), `${round}`).toEqual(['x-mcp-authz-else'])
      expect(removed(legacy).toSorted(), `${round}`).toEqual(everything)
    }
  })

  it('are as many as there are memory for, and then judged anew', () => {
    for (let round = 0; round < 40; round++) {
      const made = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x-made-${round}-${i}`, 'v']))
      const { removeHeaders } = allowed(audited, { ...made, 'x-mcp-authz-made': 'v' })
      expect(removeHeaders.filter(name => name.startsWith('x-m') && !ownHeaders.includes(name))).toContain(
        'x-mcp-authz-made',
      )
      expect(removeHeaders.some(name => name.startsWith('x-made'))).toBe(false)
    }
  })
})
