import { describe, expect, it } from 'vitest'
import { effectiveConfig } from './effective-config.js'
import { loadConfig } from './load-config.js'

function effective(yaml: string): unknown {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: ${yaml}\n`
  const loaded = loadConfig({ file: { path: '/etc/c/config.yaml', text } })
  if (!loaded.ok) throw new Error(loaded.findings.map(({ message }) => message).join('; '))
  return effectiveConfig(loaded.config)
}

describe('effectiveConfig', () => {
  it('has defaults under the names that users write', () => {
    expect(effective('{}')).toMatchObject({
      kind: 'Config',
      spec: {
        sources: [{ directory: '/etc/mcp-authz' }],
        listeners: [{ door: 'ext-authz', name: 'ext-authz', port: 9001, trust: 'none', maxMessageBytes: 5242880 }],
        http: { host: '0.0.0.0', port: 9002 },
        shutdown: { delaySeconds: 0, drainSeconds: 10 },
        decisionLog: { stdout: true },
      },
    })
  })

  it('has those that depend on the door', () => {
    const listeners = '[{ door: authzen, host: 127.0.0.1, authzen: { tokenFile: t } }, { door: ext-proc }]'
    expect(effective(`{ listeners: ${listeners} }`)).toMatchObject({
      spec: {
        listeners: [
          { port: 9005, maxMessageBytes: 1048576 },
          { name: 'ext-proc-2', port: 9003 },
        ],
      },
    })
  })

  it('loads, and gives the same again', () => {
    const once = effective('{ sources: [{ directory: policies }], admin: {}, listeners: [{ socket: s }] }')
    const { spec } = Object(once)
    expect(effective(JSON.stringify(spec))).toEqual(once)
  })

  it.each([
    ['a password', 'https://me:pass@idp.example.com/token', 'https://…@idp.example.com/token'],
    ['a password with signs', 'https://me:p@ss@idp.example.com', 'https://…@idp.example.com'],
    ['a query', 'https://idp.example.com/token?key=pass', 'https://idp.example.com/token?…'],
    ['nothing', 'https://idp.example.com:8443/a@b', 'https://idp.example.com:8443/a@b'],
  ])('leaves out %s of a URL', (_name, url, expected) => {
    const exchange = `{ acme: { tokenEndpoint: "https://idp.example.com/token", clientId: c, clientAuthentication: none } }`
    const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { tokenExchange: ${exchange} }\n`
    const loaded = loadConfig({ file: { path: '/etc/c/config.yaml', text } })
    if (!loaded.ok) throw new Error('does not load')
    const { acme } = loaded.config.spec.tokenExchange
    if (acme === undefined) throw new Error('is not there')
    const config = {
      ...loaded.config,
      spec: { ...loaded.config.spec, tokenExchange: { acme: { ...acme, tokenEndpoint: url } } },
    }
    expect(effectiveConfig(config)).toMatchObject({ spec: { tokenExchange: { acme: { tokenEndpoint: expected } } } })
  })
})
