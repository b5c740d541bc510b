import { describe, expect, it } from 'vitest'
import { grpc } from '../../../gen/wire.js'
import type { CallContext, ServerStream } from './grpc-transport.js'
import { createGrpcHealth } from './health.js'

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1
const context: CallContext = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const asked = (service: string) => Buffer.from(HealthCheckRequest.encode({ service }).finish())
const read = (bytes: Uint8Array) => HealthCheckResponse.ServingStatus[HealthCheckResponse.decode(bytes).status]

async function check(health: ReturnType<typeof createGrpcHealth>, message: Buffer) {
  const handler = health.unary.get('/grpc.health.v1.Health/Check')
  return handler && read(await handler(message, context))
}

describe('Check', () => {
  const cases: [string, string, string][] = [
    ['', 'NOT_SERVING', 'SERVING'],
    ['readiness', 'NOT_SERVING', 'SERVING'],
    ['envoy.service.auth.v3.Authorization', 'NOT_SERVING', 'SERVING'],
    ['liveness', 'SERVING', 'SERVING'],
    ['something.else', 'SERVICE_UNKNOWN', 'SERVICE_UNKNOWN'],
  ]
  it.each(cases)('%j', async (service, before, after) => {
    const health = createGrpcHealth(['envoy.service.auth.v3.Authorization'])
    expect(await check(health, asked(service))).toBe(before)
    health.setReady(true)
    expect(await check(health, asked(service))).toBe(after)
  })

  it('does not take undecodable bytes for the empty service', async () => {
    const health = createGrpcHealth([])
    health.setReady(true)
    expect(await check(health, Buffer.from([0x0a, 0xff]))).toBe('SERVICE_UNKNOWN')
  })
})

describe('Watch', () => {
  function watch(health: ReturnType<typeof createGrpcHealth>, service: string) {
    const seen: (string | undefined)[] = []
    let ended = false
    let close: () => void = () => undefined
    const stream: ServerStream = {
      send: message => seen.push(read(message)),
      end: () => {
        ended = true
      },
      onClose: listener => {
        close = listener
      },
    }
    health.serverStreams?.get('/grpc.health.v1.Health/Watch')?.(asked(service), context, stream)
    return { seen, ended: () => ended, close: () => close() }
  }

  it('tells the state and each change once', () => {
    const health = createGrpcHealth([])
    const watcher = watch(health, '')
    health.setReady(true)
    health.setReady(true)
    health.setReady(false)
    watcher.close()
    health.setReady(true)
    expect(watcher.seen).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING'])
  })

  it('has a limit on watchers', () => {
    const health = createGrpcHealth([], 1)
    const first = watch(health, '')
    const second = watch(health, '')
    expect([first.ended(), second.ended()]).toEqual([false, true])
    first.close()
    expect(watch(health, '').ended()).toBe(false)
  })
})
