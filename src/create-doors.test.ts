import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentgateway, envoy } from '../gen/wire.js'
import { postTo } from '../test/authzen/post-to.js'
import { createLocalIssuer, type LocalIssuer } from '../test/e2e/support/local-issuer.js'
import { plainToStruct, structToPlain } from '../test/gateways/struct-to-plain.js'
import { loadConfig } from './config/load-config.js'
import { extAuthzService } from './doors/ext-authz/ext-authz-door.js'
import { extMcpService } from './doors/ext-mcp/ext-mcp-door.js'
import { extProcService } from './doors/ext-proc/ext-proc-door.js'
import type { BoundAddress } from './doors/grpc/grpc-transport.js'
import { listenerProblem } from './doors/http/authzen/authzen-listener.js'
import { createService, type Service } from './service.js'
import { createLogging } from './telemetry/logger.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const { ProcessingRequest, ProcessingResponse } = envoy.service.ext_proc.v3
const { McpRequest, McpRequestResult, McpResponse, McpResponseResult } = agentgateway.dev.ext_mcp

const resource = 'https://mcp.example.com/mcp'
const gateway = 'gateway-0123456789abcdef0123456789abcdef'
const policies = `
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: "${resource}", require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: read }
spec: { match: { servers: [files], tools: [read], subjects: [{ kind: Group, name: staff }] } }
`
const config = (directory: string) => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Config
spec:
  sources: [{ directory: "${directory}/policies.yaml" }]
  http: { host: 127.0.0.1, port: 0 }
  sessions: { keys: [{ file: "${directory}/session-key" }] }
  listeners:
  - { name: requests, host: 127.0.0.1, port: 0 }
  - { name: answers, door: ext-proc, host: 127.0.0.1, port: 0 }
  - { name: agent, door: ext-mcp, host: 127.0.0.1, port: 0 }
  - { name: questions, door: authzen, host: 127.0.0.1, port: 0, authzen: { tokenFile: "${directory}/gateways" } }
`

interface Verdict {
  readonly decision: 'allow' | 'deny'
  readonly reason: string
}

let directory: string
let issuer: LocalIssuer
let service: Service
let token: string
const records: Record<string, unknown>[] = []
const addresses = new Map<string, BoundAddress>()
const clients: Client[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'doors-'))
  issuer = await createLocalIssuer({ audience: resource })
  token = await issuer.token()
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  write('policies.yaml', issuer.policies + policies)
  write('session-key', 'k'.repeat(32))
  write('gateways', gateway)
  const text = config(directory)
  const loaded = loadConfig({ file: { path: join(directory, 'config.yaml'), text } })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  const recordTarget = {
    write: (chunk: Buffer, done: () => void) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) records.push(JSON.parse(line))
      done()
    },
  }
  service = createService({ config: loaded.config, logging: createLogging('silent'), recordTarget })
  for (const { name, address } of (await service.start()).listeners) addresses.set(name, address)
})
afterAll(async () => {
  for (const client of clients) client.close()
  await service.stop()
  await issuer.stop()
  rmSync(directory, { recursive: true, force: true })
})

function addressOf(listener: string): BoundAddress {
  const address = addresses.get(listener)
  if (address === undefined) throw new Error(`no listener ${listener}`)
  return address
}

const pass = (bytes: Buffer) => bytes

function clientOf(listener: string): Client {
  const address = addressOf(listener)
  const client = new Client(
    address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`,
    credentials.createInsecure(),
  )
  clients.push(client)
  return client
}

function unary(listener: string, method: string, message: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    clientOf(listener).makeUnaryRequest(`/${method}`, pass, pass, Buffer.from(message), (error, answer) =>
      answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
    ),
  )
}

interface Call {
  readonly tool: string
  readonly token: string | undefined
}

const paramsOf = (tool: string) => ({ name: tool, arguments: { path: '/a' } })

async function byExtAuthz({ tool, token }: Call): Promise<Verdict> {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: paramsOf(tool) }))
  const http = {
    ...{ method: 'POST', host: 'mcp.example.com', path: '/mcp', scheme: 'https', rawBody: body, size: body.length },
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      'x-envoy-auth-partial-body': 'false',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  }
  const message = CheckRequest.encode({ attributes: { request: { http } } }).finish()
  const answer = CheckResponse.decode(await unary('requests', `${extAuthzService}/Check`, message))
  const { decision, reason } = structToPlain(answer.dynamicMetadata)
  return { decision: decision === 'allow' ? 'allow' : 'deny', reason: String(reason ?? '') }
}

async function byExtMcp({ tool, token }: Call): Promise<Verdict> {
  const headers = {
    ...{ ':method': 'POST', ':path': '/mcp', ':authority': 'mcp.example.com', ':scheme': 'https' },
    accept: 'application/json, text/event-stream',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  const message = McpRequest.encode({
    ...{ serviceNames: ['vb'], method: 'tools/call', mcpRequest: Buffer.from(JSON.stringify(paramsOf(tool))) },
    headers: Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) })),
  }).finish()
  const answer = McpRequestResult.decode(await unary('agent', `${extMcpService}/CheckRequest`, message))
  const { reason } = structToPlain(answer.metadata)
  return { decision: answer.pass && !answer.error ? 'allow' : 'deny', reason: String(reason ?? '') }
}

async function byAuthzen({ tool, token }: Call): Promise<Verdict> {
  const question = {
    subject: { type: 'identity', id: 'alice', properties: { ...(token !== undefined && { access_token: token }) } },
    action: { name: 'tools/call', properties: { params: paramsOf(tool) } },
    resource: { type: 'tool', id: tool, properties: { server: 'files' } },
  }
  const { body } = await postTo(addressOf('questions'), '/access/v1/evaluation', JSON.stringify(question), {
    authorization: `Bearer ${gateway}`,
  })
  const { decision, context } = JSON.parse(body)
  return { decision: decision === true ? 'allow' : 'deny', reason: context.reason ?? '' }
}

const doors = [
  { door: 'ext-authz', listener: 'requests', ask: byExtAuthz },
  { door: 'ext-mcp', listener: 'agent', ask: byExtMcp },
  { door: 'authzen', listener: 'questions', ask: byAuthzen },
]

describe('one call, asked through each door', () => {
  const calls: [name: string, call: () => Call, verdict: Verdict][] = [
    ['that is granted', () => ({ tool: 'read', token }), { decision: 'allow', reason: '' }],
    ['that is not', () => ({ tool: 'write', token }), { decision: 'deny', reason: 'authorization.grant' }],
    ['of nobody', () => ({ tool: 'read', token: undefined }), { decision: 'deny', reason: 'identity.token_missing' }],
    [
      'with a forged token',
      () => ({ tool: 'read', token: `${token.slice(0, -8)}AAAAAAAA` }),
      { decision: 'deny', reason: 'identity.signature' },
    ],
  ]
  it.each(calls)('%s', async (_name, call, verdict) => {
    for (const { door, listener, ask } of doors) {
      records.length = 0
      expect({ door, ...(await ask(call())) }).toEqual({ door, ...verdict })
      await expect.poll(() => records).toHaveLength(1)
      const [record] = records
      expect(record).toMatchObject({ door, listener, server: 'files', decision: verdict.decision })
      expect(JSON.stringify(record)).not.toContain('eyJ')
    }
  })
})

describe('what a door denies by itself', () => {
  const broken = Uint8Array.of(0x0a, 0x50, 1)
  const unread: [door: string, listener: string, send: () => Promise<unknown>][] = [
    ['ext-authz', 'requests', () => unary('requests', `${extAuthzService}/Check`, broken)],
    ['ext-mcp', 'agent', () => unary('agent', `${extMcpService}/CheckRequest`, broken)],
    ['ext-mcp', 'agent', () => unary('agent', `${extMcpService}/CheckResponse`, broken)],
    ['ext-proc', 'answers', () => exchange(broken)],
    ['ext-proc', 'answers', () => exchange(withSession('made-up'))],
    [
      'authzen',
      'questions',
      () =>
        postTo(addressOf('questions'), '/access/v1/evaluations', '{"evaluations":[{}]}', {
          authorization: `Bearer ${gateway}`,
        }),
    ],
  ]
  it.each(unread)('is recorded for %s, listener %s', async (door, listener, send) => {
    records.length = 0
    await send()
    await expect.poll(() => records).toHaveLength(1)
    expect(records[0]).toMatchObject({ door, listener, decision: 'deny' })
  })
})

describe('lists', () => {
  const tools = (...names: string[]) => ({ tools: names.map(name => ({ name, inputSchema: { type: 'object' } })) })

  it('are filtered by ext-mcp for the caller of whom the gateway shows the token', async () => {
    const message = McpResponse.encode({
      ...{
        serviceNames: ['vb'],
        method: 'tools/list',
        mcpResponse: Buffer.from(JSON.stringify(tools('read', 'write'))),
      },
      metadataContext: plainToStruct({ 'mcp-server': 'files', token }),
    }).finish()
    const answer = McpResponseResult.decode(await unary('agent', `${extMcpService}/CheckResponse`, message))
    expect(JSON.parse(Buffer.from(answer.mutated ?? []).toString())).toMatchObject(tools('read'))
  })

  it('are refused by ext-mcp for claims of a gateway that nobody knows', async () => {
    records.length = 0
    const message = McpResponse.encode({
      ...{ serviceNames: ['vb'], method: 'tools/list', mcpResponse: Buffer.from(JSON.stringify(tools('read'))) },
      metadataContext: plainToStruct({ 'mcp-server': 'files', jwt: { sub: 'alice', groups: ['staff'] } }),
    }).finish()
    const answer = McpResponseResult.decode(await unary('agent', `${extMcpService}/CheckResponse`, message))
    expect(answer.error).toBeTruthy()
    await expect.poll(() => records).toHaveLength(1)
    expect(records[0]).toMatchObject({ door: 'ext-mcp', listener: 'agent', reason: 'identity.token_missing' })
  })
})

describe('while there is too much to do', () => {
  let busy: Service
  const before = new Map<string, BoundAddress>()
  beforeAll(async () => {
    for (const [name, address] of addresses) before.set(name, address)
    const text = config(directory)
    const loaded = loadConfig({ file: { path: join(directory, 'config.yaml'), text } })
    if (!loaded.ok) throw new Error('does not load')
    const listeners = loaded.config.listeners.map(one => ({ ...one, judgesRequests: one.door === 'ext-proc' }))
    busy = createService({
      // More than that is in use in any case.
      config: { ...loaded.config, listeners, overload: { maxTurnMs: 100, memoryBytes: 1 } },
      logging: createLogging('silent'),
      recordTarget: {
        write: (chunk: Buffer, done: () => void) => {
          for (const line of chunk.toString().split('\n').filter(Boolean)) records.push(JSON.parse(line))
          done()
        },
      },
    })
    for (const { name, address } of (await busy.start()).listeners) addresses.set(name, address)
  })
  afterAll(async () => {
    for (const [name, address] of before) addresses.set(name, address)
    await busy.stop()
  })

  it.each(doors)('$door refuses, and there is a record of what was asked', async ({ door, listener, ask }) => {
    records.length = 0
    expect(await ask({ tool: 'read', token })).toEqual({ decision: 'deny', reason: 'dependency.overloaded' })
    await expect.poll(() => records).toHaveLength(1)
    expect(records[0]).toMatchObject({ door, listener, reason: 'dependency.overloaded', http: { path: '/mcp' } })
  })

  it('ext-proc refuses where it judges requests', async () => {
    records.length = 0
    const shown = { ':method': 'GET', ':path': '/mcp', ':authority': 'mcp.example.com', ':scheme': 'https' }
    const headers = Object.entries(shown).map(([key, value]) => ({ key, rawValue: Buffer.from(value) }))
    const answer = await exchange(
      ProcessingRequest.encode({ requestHeaders: { headers: { headers }, endOfStream: true } }).finish(),
    )
    expect(answer?.immediateResponse?.status?.code).toBe(503)
    await expect.poll(() => records).toHaveLength(1)
    expect(records[0]).toMatchObject({ door: 'ext-proc', listener: 'answers', reason: 'dependency.overloaded' })
  })

  it('readiness says so', () => {
    expect(busy.readiness().reasons).toContainEqual(expect.stringContaining('overload: more memory is in use'))
  })
})

function withSession(id: string): Uint8Array {
  const shown = {
    ...{ ':method': 'POST', ':path': '/mcp', ':authority': 'mcp.example.com', ':scheme': 'https' },
    ...{ authorization: `Bearer ${token}`, 'mcp-session-id': id },
  }
  const headers = Object.entries(shown).map(([key, value]) => ({ key, rawValue: Buffer.from(value) }))
  return ProcessingRequest.encode({ requestHeaders: { headers: { headers } } }).finish()
}

/** What the response door says to the first message of an exchange; undefined if it ends the exchange with an error. */
function exchange(first: Uint8Array): Promise<envoy.service.ext_proc.v3.ProcessingResponse | undefined> {
  return new Promise(resolve => {
    const call = clientOf('answers').makeBidiStreamRequest(`/${extProcService}/Process`, pass, pass)
    call.on('data', (bytes: Buffer) => {
      resolve(ProcessingResponse.decode(bytes))
      call.end()
    })
    call.on('error', () => resolve(undefined))
    call.write(Buffer.from(first))
  })
}

describe('a configuration that loads', () => {
  const settings = {
    address: ['host: 127.0.0.1', 'host: 0.0.0.0', 'host: "::1"', 'host: localhost', 'socket: s'],
    tls: ['', 'tls: { cert: c, key: k }', 'tls: { cert: c, key: k, clientCA: a }'],
    trust: ['', 'trust: mtls', 'trust: network'],
    authzen: [
      '',
      'authzen: { tokenFile: t }',
      ...['https://a.example.com:8443', 'https://[::1]', 'https://a.example.com/x', 'http://a.example.com'].map(
        identifier => `authzen: { tokenFile: t, identifier: "${identifier}" }`,
      ),
    ],
  }
  const listeners = settings.address.flatMap(address =>
    settings.tls.flatMap(tls =>
      settings.trust.flatMap(trust =>
        settings.authzen.map(authzen => ['door: authzen', address, tls, trust, authzen].filter(part => part !== '')),
      ),
    ),
  )

  it('has no listener that its door refuses: what is wrong is told at its place in the file', () => {
    let opened = 0
    for (const listener of listeners) {
      const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { listeners: [{ ${listener.join(', ')} }] }\n`
      const loaded = loadConfig({ file: { path: join(directory, 'config.yaml'), text } })
      const problems = loaded.ok ? loaded.config.listeners.map(one => listenerProblem({ ...one, ...one.authzen })) : []
      expect({ listener, problems }).toEqual({ listener, problems: problems.map(() => undefined) })
      opened += problems.length
    }
    expect(opened).toBeGreaterThan(50)
  })
})
