import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { envoy } from '../gen/wire.js'
import { postTo } from '../test/authzen/post-to.js'
import { run } from './cli/run.js'
import { loadConfig } from './config/load-config.js'
import { extAuthzService } from './doors/ext-authz/ext-authz-door.js'
import { Authority, openssl } from './kube/api-server.fixture.js'
import { packageRoot } from './package-root.js'
import { createService } from './service.js'
import { createLogging } from './telemetry/logger.js'

const { CheckRequest } = envoy.service.auth.v3

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const server = (name: string, more = '') => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: ${name} }
spec: { resource: "https://${name}.example.com/mcp"${more} }
---
`
const grant = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: read }
spec: { match: { servers: [files], tools: [read], subjects: [{ kind: Group, name: staff }] } }
`

async function running(directory: string, more: readonly [string, string][] = []) {
  const flags: [string, string][] = [
    ['sources.0.directory', directory],
    ['listeners.0.host', '127.0.0.1'],
    ['listeners.0.port', '0'],
    ['http.host', '127.0.0.1'],
    ['http.port', '0'],
    ['admin.port', '0'],
    ...more,
  ]
  const loaded = loadConfig({ flags })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  const recordTarget = { write: (_chunk: Buffer, done: () => void) => done() }
  const service = createService({ config: loaded.config, logging: createLogging('silent'), recordTarget })
  cleanups.push(() => service.stop())
  const { listeners, admin } = await service.start()
  const [door] = listeners
  if (door?.address.kind !== 'tcp' || admin === undefined) throw new Error('no listener')
  const client = new Client(`127.0.0.1:${door.address.port}`, credentials.createInsecure())
  cleanups.push(() => client.close())
  const pass = (bytes: Buffer) => bytes
  const check = (message: Uint8Array) =>
    new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(`/${extAuthzService}/Check`, pass, pass, Buffer.from(message), (error, answer) =>
        answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
      ),
    )
  const url = `http://127.0.0.1:${admin.port}`
  const text = async (path: string) => (await fetch(url + path)).text()
  const get = async (path: string) => JSON.parse(await text(path))
  const explain = async (body: unknown) =>
    fetch(`${url}/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { service, admin, check, get, text, explain }
}

function policies(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'admin-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  const write = (content: string) => writeFileSync(join(directory, 'policies.yaml'), content)
  write(text)
  return { directory, write }
}

describe('the admin listener of a service', () => {
  it('shows decisions, those of doors included, once each', async () => {
    const { check, get, text } = await running(policies(server('files')).directory)
    await check(Uint8Array.of(0x0a, 0x50, 1))
    const attributes = { request: { http: { method: 'POST', host: 'files.example.com', path: '/mcp' } } }
    await check(CheckRequest.encode({ attributes }).finish())
    const { decisions, seen } = await get('/decisions')
    expect(seen).toBe(2)
    expect(decisions[1]).toMatchObject({ decision: 'deny', reason: 'message.encoding' })
    expect(decisions[0]).toMatchObject({ decision: 'deny', server: 'files', http: { host: 'files.example.com' } })
    expect((await get('/decisions?server=files')).decisions).toEqual([decisions[0]])
    expect((await get(`/decisions?id=${decisions[1].decision_id}`)).decisions).toEqual([decisions[1]])
    expect(await text('/')).toContain('message.encoding')
    expect(await text('/metrics')).toMatch(/^mcp_authz_build_info\{version="\d/m)
    expect(await text('/metrics')).toMatch(/^mcp_authz_event_loop_delay_seconds\{quantile="0\.99"\} \d/m)
  })

  it('counts what would have been denied', async () => {
    const { check, get, text } = await running(policies(server('files', ', mode: Audit')).directory)
    const attributes = {
      request: { http: { method: 'POST', host: 'files.example.com', path: '/mcp' } },
      contextExtensions: { 'mcp-server': 'files' },
    }
    await check(CheckRequest.encode({ attributes }).finish())
    expect(await text('/metrics')).toMatch(/^mcp_authz_would_deny_total\{server="files",reason="[a-z_.]+"\} 1$/m)
    expect((await get('/decisions?would=true')).decisions).toHaveLength(1)
    expect((await get('/decisions?would=false')).decisions).toHaveLength(0)
  })

  it('shows the policies, and the last good version of what broke', async () => {
    const { directory, write } = policies(server('files') + grant)
    const { get, text } = await running(directory)
    const before = await get('/policies')
    expect(before).toMatchObject({
      inForce: true,
      lastSuccess: expect.stringMatching(/^20/),
      servers: [{ name: 'files', mode: 'Enforce', resource: 'https://files.example.com/mcp' }],
      documents: expect.arrayContaining([
        expect.objectContaining({ kind: 'Grant', name: 'read', state: 'loaded', since: before.lastSuccess }),
        expect.objectContaining({ kind: 'ToolCatalog', name: 'kubernetes-mcp-server', state: 'loaded' }),
      ]),
    })
    expect(await text('/policies/Grant/read')).toMatch(/^# .*policies\.yaml, document 2\n[\s\S]*tools: \[read\]/)
    write(server('files') + grant.replace('tools:', 'tols:'))
    const grantOf = async () =>
      (await get('/policies')).documents.find(({ kind }: { kind: string }) => kind === 'Grant')
    await expect.poll(grantOf, { timeout: 10_000 }).toMatchObject({ name: 'read', state: 'kept-last-good' })
    const after = await get('/policies')
    expect(after.lastSuccess).toBe(before.lastSuccess)
    expect((await grantOf()).since > before.lastSuccess).toBe(true)
    expect(after.findings).toContainEqual(expect.objectContaining({ subject: 'Grant/read', severity: 'error' }))
    expect(await text('/policies/Grant/read')).toContain('tools: [read]')
  }, 20_000)

  it('shows the configuration in effect', async () => {
    const { get } = await running(policies(server('files')).directory)
    expect(await get('/config')).toMatchObject({ kind: 'Config', spec: { admin: { port: 0, recentDecisions: 1000 } } })
  })

  it('is gone after the stop', async () => {
    const { service, get } = await running(policies(server('files')).directory)
    await get('/healthz')
    await service.stop()
    await expect(get('/healthz')).rejects.toThrow()
  })
})

describe('POST /explain', () => {
  const demo = join(packageRoot, 'policies', 'demo')
  const loopback: [string, string][] = [['identity.insecureLoopbackIssuers', 'true']]
  const args = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: 10 }
  const withoutIds = (text: string) => text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')

  it.each([
    ['a denial', { tool: 'resources_scale', args, as: 'alice', groups: ['team-a-developers'] }],
    [
      'what may be done',
      { tool: 'resources_scale', args: { ...args, scale: 2 }, as: 'alice', groups: ['team-a-developers'] },
    ],
    ['somebody without a token', { method: 'tools/list' }],
  ])('says what the command says: %s', async (_name, body) => {
    const { explain } = await running(demo, loopback)
    const got = await explain(body)
    expect(got.status).toBe(200)
    const out: string[] = []
    const flags = Object.entries({ ...body, groups: undefined }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, typeof value === 'string' ? value : JSON.stringify(value)],
    )
    await run(
      [
        'explain',
        '--policies',
        demo,
        ...flags,
        ...('groups' in body ? ['--as-group', ...body.groups] : []),
        '-o',
        'json',
      ],
      { out: text => out.push(text), err: () => undefined, env: {}, signal: new AbortController().signal },
    )
    expect(JSON.parse(withoutIds(await got.text()))).toEqual(JSON.parse(withoutIds(out.join(''))))
  })

  it('records nothing', async () => {
    const { explain, get } = await running(demo, loopback)
    await explain({ method: 'ping' })
    expect((await get('/decisions')).seen).toBe(0)
  })

  it.each([
    ['a Server that is not there', { server: 'flies', method: 'ping' }, 'there is no such Server; did you mean files?'],
    ['one of several', { method: 'ping' }, 'say which server; there are files, notes'],
  ])('%s', async (_name, body, message) => {
    const { explain } = await running(policies(server('files') + server('notes')).directory)
    const got = await explain(body)
    expect([got.status, await got.json()]).toEqual([400, { error: message }])
  })
})

describe.runIf(openssl)('the admin listener for other machines', () => {
  it('takes a certificate that it knows', async () => {
    const ours = new Authority('ours')
    cleanups.push(() => ours.remove())
    const path = (name: string) => join(ours.folder, name)
    const served = ours.issue('/CN=admin', 'DNS:localhost,IP:127.0.0.1')
    writeFileSync(path('server.pem'), served.cert)
    writeFileSync(path('server.key'), served.key)
    const { admin } = await running(policies(server('files')).directory, [
      ['admin.host', '0.0.0.0'],
      ['admin.tls.cert', path('server.pem')],
      ['admin.tls.key', path('server.key')],
      ['admin.tls.clientCA', path('ca.pem')],
      ['admin.tls.allowedSANs', 'spiffe://acme.com/ns/ops/*'],
    ])
    const get = (san: string) => {
      const { cert, key } = ours.issue('/CN=reader', san)
      const address = { kind: 'tcp', host: '127.0.0.1', port: admin.port } as const
      const more = { method: 'GET', ca: Buffer.from(ours.ca), cert, key, servername: 'localhost' }
      return postTo(address, '/config', undefined, {}, { ...more, cert: Buffer.from(cert), key: Buffer.from(key) })
    }
    expect((await get('URI:spiffe://acme.com/ns/ops/sa/on-call')).status).toBe(200)
    expect((await get('URI:spiffe://acme.com/ns/app/sa/app')).status).toBe(403)
    await expect(fetch(`http://127.0.0.1:${admin.port}/config`)).rejects.toThrow()
  })
})
