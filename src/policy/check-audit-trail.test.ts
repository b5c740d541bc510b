import { describe, expect, it } from 'vitest'
import { catalogs, memorySource, namesAsTokens } from '../../test/support/policies.js'
import { createEmbeddedAuthorizer } from '../rbac/embedded-authorizer.js'
import { PolicyStore } from './policy-store.js'

const audience = 'https://mcp.example.com/mcp'
const kubernetes = { catalog: 'kubernetes-mcp-server' }
const talker: object = {
  apiVersion: 'mcp-authz.dev/v1alpha1',
  kind: 'ToolCatalog',
  metadata: { name: 'talker' },
  spec: { tools: { say: { access: 'read', operations: 'none' }, shout: { access: 'write', refuse: 'it is loud' } } },
}

function warnings(spec: object, cluster: 'asks its API server' | 'stands in files'): string[] {
  const server: object = {
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'Server',
    metadata: { name: 'k' },
    spec: { resource: audience, ...spec },
  }
  const authorizers = new Map([['local', createEmbeddedAuthorizer([])]])
  const store = new PolicyStore({
    sources: [catalogs, memorySource({ 'a.yaml': JSON.stringify(server), 'b.yaml': JSON.stringify(talker) })],
    compile: { insecureLoopbackIssuers: false },
    assemble: {
      ...(cluster === 'stands in files' ? { clusters: ['local'] } : { clusters: [], authorizers }),
      authenticator: () => ({ value: namesAsTokens({}), findings: [] }),
    },
  })
  return store.load().findings.map(({ severity, path, message }) => `${severity} ${path} ${message}`)
}

describe('a Server whose callers the API server never learns of', () => {
  it.each([
    ['by default', kubernetes],
    ['with a context token, which only the server reads', { ...kubernetes, upstream: { contextToken: true } }],
    ['in Audit, for what comes after', { ...kubernetes, mode: 'Audit' }],
  ])('is warned of: %s', (_name, spec) => {
    const [warning = '', ...others] = warnings(spec, 'asks its API server')
    expect(others).toEqual([])
    expect(warning).toContain(
      'warning spec.upstream.authorization the audit log of the API server will name the account',
    )
  })

  it.each([
    ['the token goes on', { ...kubernetes, upstream: { authorization: 'passthrough', audience } }],
    ['one of ours goes on', { ...kubernetes, upstream: { authorization: 'mint', audience } }],
    ['the server impersonates', { ...kubernetes, upstream: { identity: 'impersonation' } }],
    ['nothing is done in Kubernetes', { catalog: 'talker' }],
    ['nothing is asked of it', { ...kubernetes, require: ['tools'] }],
  ])('is not warned of where %s', (_name, spec) => {
    expect(warnings(spec, 'asks its API server')).toEqual([])
  })

  it('is not warned of where there is no API server', () => {
    expect(warnings(kubernetes, 'stands in files')).toEqual([])
  })
})
