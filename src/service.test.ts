import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { envoy } from '../gen/wire.js'
import { loadConfig } from './config/load-config.js'
import { freePort } from './demo/free-port.js'
import { extAuthzService } from './doors/ext-authz/ext-authz-door.js'
import { createService } from './service.js'
import { createLogging } from './telemetry/logger.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const files = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: "https://files.example.com/mcp" }
`

async function running(policies: string, more: readonly [string, string][] = []) {
  const directory = mkdtempSync(join(tmpdir(), 'service-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, 'policies.yaml'), policies)
  const flags: [string, string][] = [
    ['sources.0.directory', directory],
    ['listeners.0.host', '127.0.0.1'],
    ['listeners.0.port', '0'],
    ['http.host', '127.0.0.1'],
    ['http.port', '0'],
    ...more,
  ]
  const loaded = loadConfig({ flags })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  const records: string[] = []
  const recordTarget = {
    write: (chunk: Buffer, done: () => void) => {
      records.push(...chunk.toString().split('\n').filter(Boolean))
      done()
    },
  }
  const service = createService({ config: loaded.config, logging: createLogging('silent'), recordTarget })
  cleanups.push(() => service.stop())
  const { listeners, http } = await service.start()
  const [door] = listeners
  if (door?.address.kind !== 'tcp') throw new Error('no listener')
  const client = new Client(`127.0.0.1:${door.address.port}`, credentials.createInsecure())
  cleanups.push(() => client.close())
  const pass = (bytes: Buffer) => bytes
  const check = (message: Uint8Array) =>
    new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(`/${extAuthzService}/Check`, pass, pass, Buffer.from(message), (error, answer) =>
        answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
      ),
    )
  const metrics = async () => (await fetch(`http://127.0.0.1:${http.port}/metrics`)).text()
  return { service, records, check, metrics }
}

function idOf(answer: Uint8Array): string | null | undefined {
  const headers = CheckResponse.decode(answer).deniedResponse?.headers ?? []
  return headers.find(({ header }) => header?.key === 'x-mcp-authz-decision-id')?.header?.value
}

const parsed = (record: string | undefined): unknown => JSON.parse(record ?? '')

describe('the record', () => {
  it('and the metrics have what a gateway sent that nobody could read', async () => {
    const { records, check, metrics } = await running(files)
    const id = idOf(await check(Uint8Array.of(0x0a, 0x50, 1)))
    await expect.poll(() => records).toHaveLength(1)
    expect(parsed(records[0])).toMatchObject({
      decision_id: id,
      decision: 'deny',
      reason: 'message.encoding',
      door: 'ext-authz',
      listener: 'ext-authz',
    })
    expect(await metrics()).toContain(
      'mcp_authz_decisions_total{server="_other",decision="deny",reason="message.encoding",mode="Enforce"} 1',
    )
  })

  it('has each decision once', async () => {
    const { records, check } = await running(files)
    const attributes = { request: { http: { method: 'POST', host: 'files.example.com', path: '/mcp' } } }
    const id = idOf(await check(CheckRequest.encode({ attributes }).finish()))
    await expect.poll(() => records).toHaveLength(1)
    expect(parsed(records[0])).toMatchObject({ decision_id: id, decision: 'deny' })
  })
})

describe('what is told by a gateway that nobody knows', () => {
  const identity = (spec: string) => `${files}---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec: ${spec}
`
  const person = '{ header: x-on-behalf-of, format: jwt, audiences: [agents], agents: ["acme:bot"] }'
  it.each([
    ['a person for whom software acts', `{ onBehalfOf: [${person}] }`, 'Identity.spec.onBehalfOf'],
    ['a certificate', '{ proofs: { mtls: {} } }', 'Identity.spec.proofs.mtls'],
  ])('%s: the service does not start', async (_, spec, feature) => {
    await expect(running(identity(spec))).rejects.toThrow(`${feature} takes the gateway's word, but no listener trusts`)
  })

  it('a proof needs no gateway', async () => {
    await expect(running(identity('{ proofs: { dpop: {} } }'))).resolves.toBeDefined()
  })
})

describe('readiness', () => {
  it('is not there without an issuer, whose tokens could be accepted', async () => {
    const { service } = await running(files)
    expect(service.readiness()).toMatchObject({ ready: false, reasons: ['identity: no issuer is configured'] })
  })
})

describe('a listener for a Server that is not there', () => {
  const authzen: [string, string][] = [
    ['listeners.1.door', 'authzen'],
    ['listeners.1.name', 'questions'],
    ['listeners.1.socket', join(tmpdir(), `mcp-authz-${process.pid}.sock`)],
  ]
  it('is told by readiness, until there is one', async () => {
    const { service } = await running(files, [...authzen, ['listeners.1.authzen.server', 'flies']])
    expect(service.readiness().reasons).toContain(
      'authzen: the listener questions is for the Server "flies", which does not exist (did you mean "files"?)',
    )
    await service.stop()
    const other = await running(files, [...authzen, ['listeners.1.authzen.server', 'files']])
    expect(other.service.readiness().reasons).toEqual(['identity: no issuer is configured'])
  })
})

describe('a service that is stopped while it starts', () => {
  it('opens nothing afterwards', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'service-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    writeFileSync(join(directory, 'policies.yaml'), files)
    const kubeconfig = join(directory, 'kubeconfig.json')
    const cluster = { server: 'https://127.0.0.1:1' }
    const context = { cluster: 'a', user: 'a' }
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a', contexts: [{ name: 'a', context }] },
        ...{ clusters: [{ name: 'a', cluster }], users: [{ name: 'a', user: {} }] },
      }),
    )
    const port = await freePort()
    const loaded = loadConfig({
      flags: [
        ['sources.0.directory', join(directory, 'policies.yaml')],
        ['clusters.local.authorizer', 'sar'],
        ['clusters.local.kubeconfig', kubeconfig],
        ['listeners.0.host', '127.0.0.1'],
        ['listeners.0.port', String(port)],
        ['http.host', '127.0.0.1'],
        ['http.port', '0'],
      ],
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
    const service = createService({ config: loaded.config, logging: createLogging('silent') })
    const started = service.start().then(
      () => 'started',
      (error: Error) => error.message,
    )
    await service.stop()
    expect(await started).toBe('it was stopped while it started')
    const socket = connect(port, '127.0.0.1')
    const reached = await new Promise(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    expect(reached).toBe(false)
  })
})
