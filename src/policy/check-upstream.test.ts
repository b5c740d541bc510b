import { describe, expect, it } from 'vitest'
import { memorySource, namesAsTokens } from '../../test/support/policies.js'
import type { UpstreamCapabilities } from './check-upstream.js'
import { PolicyStore } from './policy-store.js'

const able: UpstreamCapabilities = { signing: true, exchanges: ['default'], trustedGateway: true }

function load(spec: object, upstream: UpstreamCapabilities | undefined = able) {
  const document = {
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'Server',
    metadata: { name: 'srv' },
    spec: { resource: 'https://mcp.example.com/mcp', ...spec },
  }
  const store = new PolicyStore({
    sources: [memorySource({ 'server.yaml': JSON.stringify(document) })],
    compile: { insecureLoopbackIssuers: false },
    assemble: {
      clusters: ['local'],
      ...(upstream !== undefined && { upstream }),
      authenticator: () => ({ value: namesAsTokens({}), findings: [] }),
    },
  })
  const { findings } = store.load()
  return {
    findings: findings.map(({ path, message }) => `${path} ${message}`),
    codes: findings.map(({ code }) => code),
    server: store.current?.servers.byName('srv'),
  }
}

describe('upstream of a Server', () => {
  it.each([
    ['nothing', {}, { authorization: 'strip', identity: 'headers', contextToken: false }],
    ['a context token', { contextToken: true }, { contextToken: true, audience: 'https://mcp.example.com/mcp' }],
    ['a context token for another', { contextToken: true, audience: 'up' }, { audience: 'up' }],
    ['passthrough', { authorization: 'passthrough', audience: 'up' }, { exchange: undefined }],
    [
      'exchange',
      { authorization: 'exchange', audience: 'up' },
      { exchange: { with: 'default', audience: 'up', audiences: ['up'], resource: undefined, scopes: [] } },
    ],
    [
      'exchange by resource',
      { authorization: 'exchange', audience: 'up', exchange: { resource: 'https://up', scopes: ['a'] } },
      { exchange: { with: 'default', audience: 'up', audiences: [], resource: 'https://up', scopes: ['a'] } },
    ],
    [
      'impersonation',
      { identity: 'impersonation', impersonation: { groups: ['a'], uid: true, extra: ['example.com/team'] } },
      { impersonation: { groups: ['a'], uid: true, extra: ['example.com/team'] } },
    ],
  ])('may be %s', (_name, upstream, expected) => {
    const { server, findings } = load({ upstream })
    expect(findings).toEqual([])
    expect(server?.upstream).toMatchObject(expected)
  })

  it.each<[string, object, string]>([
    [
      'passthrough to nobody',
      { upstream: { authorization: 'passthrough' } },
      'authorization passthrough needs to know',
    ],
    ['mint for nobody', { upstream: { authorization: 'mint' } }, 'authorization mint needs to know'],
    ['exchange for nobody', { upstream: { authorization: 'exchange' } }, 'authorization exchange needs to know'],
    ['an audience of no token', { upstream: { audience: 'up' } }, 'audience no token is sent'],
    ['exchange that is not asked for', { upstream: { exchange: {} } }, 'exchange can never matter'],
    ['impersonation that is not asked for', { upstream: { impersonation: {} } }, 'impersonation can never matter'],
    [
      'passthrough of a token that the gateway may not have verified',
      { identity: 'gatewayMetadata', upstream: { authorization: 'passthrough', audience: 'up' } },
      'the gateway may have verified another one',
    ],
    [
      'exchange of one',
      { identity: 'gatewayMetadata', upstream: { authorization: 'exchange', audience: 'up' } },
      'the gateway may have verified another one',
    ],
    ['mint for anybody', { anonymous: 'Allow', upstream: { authorization: 'mint', audience: 'up' } }, 'nobody can be'],
    ['impersonation of anybody', { anonymous: 'Allow', upstream: { identity: 'impersonation' } }, 'nobody can be'],
    ['one context for many calls', { batches: 'legacy', upstream: { contextToken: true } }, 'a batch holds several'],
    ['an audience with a space', { upstream: { contextToken: true, audience: 'a b' } }, 'without spaces'],
    [
      'a scope with a space',
      { upstream: { authorization: 'exchange', audience: 'u', exchange: { scopes: ['a b'] } } },
      'not a scope',
    ],
    [
      'an unknown provider',
      { upstream: { authorization: 'exchange', audience: 'u', exchange: { with: 'x' } } },
      'no tokenExchange "x"',
    ],
    [
      'extra with an underscore',
      { upstream: { identity: 'impersonation', impersonation: { extra: ['a_b'] } } },
      'a key is',
    ],
  ])('may not be %s', (_name, spec, message) => {
    const { server, findings } = load(spec)
    expect(server).toBeUndefined()
    expect(findings.join('\n')).toContain(message)
  })

  const modes: readonly (readonly [string, object, boolean])[] = [
    ['mint', { authorization: 'mint', audience: 'up' }, true],
    ['a context token', { contextToken: true }, true],
    ['exchange', { authorization: 'exchange', audience: 'up' }, false],
    ['impersonation', { identity: 'impersonation' }, false],
  ]
  it.each(modes)('with %s is refused where no listener trusts its peer', (_name, upstream) => {
    const { server, codes } = load({ upstream }, { ...able, trustedGateway: false })
    expect(server).toBeUndefined()
    expect(codes).toEqual(['upstream.untrusted_gateway'])
  })

  it.each(modes)('with %s needs a key: %s', (_name, upstream, needed) => {
    const { findings } = load({ upstream }, { ...able, signing: false })
    expect(findings.length > 0).toBe(needed)
  })

  it.each([
    ['strip', {}],
    ['passthrough', { authorization: 'passthrough', audience: 'up' }],
  ])('with %s needs nothing', (_name, upstream) => {
    expect(load({ upstream }, { signing: false, exchanges: [], trustedGateway: false }).findings).toEqual([])
  })
})
