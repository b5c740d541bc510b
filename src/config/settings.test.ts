import { describe, expect, it } from 'vitest'
import { configSpec } from './config-document.js'
import { settingOfPath, settingOfVariable, variableNames } from './settings.js'

describe('settingOfVariable', () => {
  const cases: [string, (string | number)[] | undefined, string?][] = [
    ['MCP_AUTHZ_HTTP_PORT', ['http', 'port'], 'number'],
    ['MCP_AUTHZ_ADMIN_PORT', ['admin', 'port'], 'number'],
    ['MCP_AUTHZ_ADMIN', undefined],
    ['MCP_AUTHZ_LISTENERS_0_TRUST', ['listeners', 0, 'trust'], 'text'],
    ['MCP_AUTHZ_LISTENERS_12_MAX_IN_FLIGHT', ['listeners', 12, 'maxInFlight'], 'number'],
    ['MCP_AUTHZ_LISTENERS_0_TLS_CLIENT_CA', ['listeners', 0, 'tls', 'clientCA'], 'text'],
    ['MCP_AUTHZ_LISTENERS_0_TLS_ALLOWED_SANS', ['listeners', 0, 'tls', 'allowedSANs'], 'texts'],
    ['MCP_AUTHZ_CLUSTERS_LOCAL_RBAC_ONLY', ['clusters', 'local', 'rbacOnly'], 'boolean'],
    ['MCP_AUTHZ_IDENTITY_INSECURE_LOOPBACK_ISSUERS', ['identity', 'insecureLoopbackIssuers'], 'boolean'],
    ['MCP_AUTHZ_HTTP', undefined],
    ['MCP_AUTHZ_HTTP_PORT_X', undefined],
    ['MCP_AUTHZ_LISTENERS_X_TRUST', undefined],
    ['MCP_AUTHZ_LISTENERS_100_TRUST', undefined],
    ['MCP_AUTHZ_CLUSTERS___PROTO___AUTHORIZER', undefined],
    ['MCP_AUTHZ_', undefined],
    ['OTHER_HTTP_PORT', undefined],
  ]
  it.each(cases)('%s', (name, path, type) => {
    expect(settingOfVariable(name, configSpec)).toEqual(path === undefined ? undefined : { path, type })
  })
})

describe('settingOfPath', () => {
  it.each<[string, (string | number)[] | undefined]>([
    ['http.port', ['http', 'port']],
    ['listeners[0].tls.cert', ['listeners', 0, 'tls', 'cert']],
    ['listeners.0.port', ['listeners', 0, 'port']],
    ['clusters.local.authorizer', ['clusters', 'local', 'authorizer']],
    ['http', undefined],
    ['http.prt', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
    ['', undefined],
  ])('%s', (path, expected) => expect(settingOfPath(path, configSpec)?.path).toEqual(expected))
})

describe('variableNames', () => {
  it('names every setting, and each name means that setting', () => {
    const names = variableNames(configSpec)
    expect(names.length).toBeGreaterThan(25)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(settingOfVariable(name, configSpec), name).toBeDefined()
  })
})
