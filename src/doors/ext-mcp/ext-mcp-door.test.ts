import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { agentgateway, grpc } from '../../../gen/wire.js'
import { applyMcpResponse, applyMcpResult } from '../../../test/gateways/agentgateway-mcp.js'
import type { Decide, Decision } from '../../decision/decision.js'
import { createExtMcpDoor, type ExtMcpListener, extMcpService } from './ext-mcp-door.js'

const { McpRequest, McpResponse } = agentgateway.dev.ext_mcp
const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const allowed: Decision = {
  ...{ id: 'd1', outcome: 'allow', failure: undefined, would: [], warnings: [] },
  answer: { kind: 'allow', setHeaders: [], removeHeaders: [], responseHeaders: [] },
  metadata: new Map(),
}

async function open(decide: Decide, listener: Partial<ExtMcpListener> = {}) {
  const errors: string[] = []
  const door = createExtMcpDoor({
    decide,
    listener: { name: 'test', trust: 'none', address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, ...listener },
    onError: detail => errors.push(detail),
  })
  cleanups.push(() => door.stop())
  const address = await door.start()
  const target = address.kind === 'tcp' ? `127.0.0.1:${address.port}` : `unix:${address.path}`
  const client = new Client(target, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 })
  cleanups.push(() => client.close())
  return { door, errors, client }
}

const pass = (bytes: Buffer) => bytes

function call(client: Client, path: string, message: Uint8Array): Promise<Buffer | ServiceError> {
  return new Promise(resolve => {
    const done = (error: ServiceError | null, answer?: Buffer) => resolve(error ?? answer ?? Buffer.alloc(0))
    const options = { deadline: Date.now() + 5000 }
    client.makeUnaryRequest(path, pass, pass, Buffer.from(message), new Metadata(), options, done)
  })
}

async function answer(client: Client, method: string, message: Uint8Array): Promise<Buffer> {
  const settled = await call(client, `/${extMcpService}/${method}`, message)
  if (!Buffer.isBuffer(settled)) throw settled
  return settled
}

const request = McpRequest.encode({ method: 'tools/list', serviceNames: ['a'] }).finish()

describe('createExtMcpDoor', () => {
  it('answers both phases', async () => {
    const { client } = await open(() => allowed)
    expect(applyMcpResult(await answer(client, 'CheckRequest', request))).toMatchObject({ passed: true })
    const result = { content: [] }
    const response = McpResponse.encode({ method: 'tools/call', mcpResponse: Buffer.from(JSON.stringify(result)) })
    const applied = applyMcpResponse(result, await answer(client, 'CheckResponse', response.finish()))
    expect(applied).toEqual({ passed: true, result, changed: false })
  })

  it('denies what is too large, as long as it can be read at all', async () => {
    const { client, errors } = await open(() => allowed, { maxMessageBytes: 1024 })
    const large = McpRequest.encode({ method: 'tools/call', mcpRequest: Buffer.alloc(1024 * 1024) }).finish()
    expect(applyMcpResult(await answer(client, 'CheckRequest', large))).toMatchObject({ passed: false, code: -32600 })
    const response = McpResponse.encode({ method: 'tools/call', mcpResponse: Buffer.alloc(1024 * 1024) }).finish()
    const applied = applyMcpResponse({}, await answer(client, 'CheckResponse', response))
    expect(applied).toMatchObject({ passed: false, code: -32600 })
    expect(errors).toHaveLength(2)
  })

  it('denies a decision that does not come in time', async () => {
    const { client } = await open(() => new Promise(() => undefined), { answerWithinMs: 60 })
    expect(applyMcpResult(await answer(client, 'CheckRequest', request))).toMatchObject({
      passed: false,
      reason: 'dependency.timeout',
    })
  })

  it('tells its health, and drains', async () => {
    const { door, client } = await open(() => allowed)
    const health = async () => {
      const bytes = HealthCheckRequest.encode({ service: extMcpService }).finish()
      const settled = await call(client, '/grpc.health.v1.Health/Check', bytes)
      return Buffer.isBuffer(settled) ? HealthCheckResponse.decode(settled).status : settled
    }
    expect(await health()).toBe(HealthCheckResponse.ServingStatus.NOT_SERVING)
    door.setReady(true)
    expect(await health()).toBe(HealthCheckResponse.ServingStatus.SERVING)
    expect(await door.drain(500)).toBe(0)
  })
})
