import type { BidiStream, GrpcService, UnaryHandler } from '../../../src/doors/grpc/grpc-transport.js'
import type { Limits } from '../../../src/doors/grpc/native/limits.js'
import { createNativeTransport } from '../../../src/doors/grpc/native/native-transport.js'
import type { ServerUsage } from './flood-server-process.js'

/** Our server in a process of its own, so that what a flood costs can be read off it. Limits come as JSON. */
const limits: Partial<Limits> = JSON.parse(process.argv[2] ?? '{}')
const large = Buffer.alloc(1024 * 1024, 'x')

const service: GrpcService = {
  unary: new Map<string, UnaryHandler>([
    ['/flood.Test/Echo', message => message],
    ['/flood.Test/Never', () => new Promise(() => undefined)],
    ['/flood.Test/Large', () => large],
  ]),
  bidiStreams: new Map([
    [
      '/flood.Test/Talk',
      (stream: BidiStream) => ({ onMessage: (message: Buffer) => stream.send(message), onEnd: () => stream.end() }),
    ],
  ]),
}

let troubles: string[] = []
const transport = createNativeTransport([service], {
  address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  maxConnections: 20_000,
  limits,
  onError: text => troubles.push(text),
})
const address = await transport.start()
if (address.kind === 'tcp') process.send?.({ port: address.port })

process.on('message', async () => {
  const { user, system } = process.cpuUsage()
  // What is outside the heap goes a little after what held it.
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  const usage: ServerUsage = {
    cpuMicros: user + system,
    usedBytes: heapUsed + external,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    troubles,
  }
  troubles = []
  process.send?.(usage)
})
process.on('disconnect', () => process.exit())
