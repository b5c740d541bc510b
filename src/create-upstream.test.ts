import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfig } from './config/load-config.js'
import { createService } from './service.js'
import { createLogging } from './telemetry/logger.js'
import { pemKey } from './upstream/upstream.fixture.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** Starts the service with one Server and these settings; files are put beside the policies. */
async function start(upstream: string, settings: Record<string, string>, files: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-upstream-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  const server = `apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: "https://files.example.com/mcp", upstream: ${upstream} }
`
  for (const [name, text] of Object.entries({ 'server.yaml': server, ...files }))
    writeFileSync(join(directory, name), text)
  const basic = {
    'sources.0.directory': directory,
    'listeners.0.host': '127.0.0.1',
    'listeners.0.port': '0',
    'http.host': '127.0.0.1',
    'http.port': '0',
  }
  const loaded = loadConfig({ workingDirectory: directory, flags: Object.entries({ ...basic, ...settings }) })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  const logging = createLogging('silent')
  const service = createService({ config: loaded.config, logging, recordTarget: { write: (_chunk, done) => done() } })
  cleanups.push(() => service.stop())
  const { http } = await service.start()
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${http.port}${path}`)
    return { status: response.status, body: await response.text() }
  }
  return { service, get }
}

const signing = { 'signing.issuer': 'https://authz.example.com', 'signing.keys.0.file': 'key.pem' }
const exchange = {
  'tokenExchange.default.tokenEndpoint': 'https://idp.example.com/token',
  'tokenExchange.default.clientId': 'us',
  'tokenExchange.default.clientSecretFile': 'secret',
}
const trusted = { 'listeners.0.trust': 'network' }
const key = { 'key.pem': pemKey('ES256') }

describe('serve', () => {
  it.each([
    ['mint', '{ authorization: mint, audience: up }'],
    ['exchange', '{ authorization: exchange, audience: up }'],
    ['impersonation', '{ identity: impersonation }'],
    ['context tokens', '{ contextToken: true }'],
  ])('does not start with %s where no listener trusts its peer', async (_name, upstream) => {
    const starting = start(upstream, { ...signing, ...exchange }, { ...key, secret: 's' })
    await expect(starting).rejects.toThrow(/^Server\/files: .*no listener trusts its peer; use a unix socket/)
  })

  it.each([
    ['a key', { ...signing, ...trusted }, {}, /key.pem does not exist/],
    ['a readable key', { ...signing, ...trusted }, { 'key.pem': 'x' }, /not a private key/],
    ['a secret', { ...exchange, ...trusted }, {}, /ENOENT/],
  ])('does not start without %s that it is told of', async (_name, settings, files, message) => {
    await expect(start('{}', settings, files)).rejects.toThrow(message)
  })

  it('is not ready while a Server asks for what the configuration cannot do', async () => {
    const { service } = await start('{ contextToken: true }', trusted)
    expect(service.readiness()).toMatchObject({
      ready: false,
      reasons: expect.arrayContaining([expect.stringContaining('Server/files')]),
    })
  })

  it('publishes its keys, and nothing without any', async () => {
    const { get } = await start('{ contextToken: true }', { ...signing, ...trusted }, key)
    const jwks = await get('/.well-known/jwks.json')
    expect(JSON.parse(jwks.body)).toMatchObject({ keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' }] })
    expect(jwks.body).not.toContain('"d"')
    expect(JSON.parse((await get('/.well-known/openid-configuration')).body)).toMatchObject({
      issuer: 'https://authz.example.com',
      jwks_uri: 'https://authz.example.com/.well-known/jwks.json',
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const without = await start('{}', {})
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration'])
      expect((await without.get(path)).status).toBe(404)
  })
})
