import { createServer } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import { encodeMessage } from '../../../src/doors/grpc/native/grpc-status.js'
import { eventually } from '../../e2e/support/eventually.js'
import { useGoClient } from './go-program.js'
import { createTestService } from './test-service.js'
import { clientFiles, type Served, serve } from './transports.js'

const resultSchema = z.object({ name: z.string(), passed: z.boolean(), problem: z.string(), seconds: z.number() })
const grpcGo = useGoClient('grpc-go')

/** Cases of google.golang.org/grpc/interop, by the names of its specification. */
const official = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'unimplemented_method',
  'unimplemented_service',
  'pick_first_unary',
]

/**
 * Official cases of what our interface of handlers does not offer, on either transport, with what comes instead. Not among the cases
 * at all: orca_oob, which needs a service of load reports, and those that need accounts of Google.
 */
const notOffered: Readonly<Record<string, string>> = {
  // Answers have no metadata of the handler's choice.
  custom_metadata: 'Expected exactly one header from server. Received 0',
  orca_per_rpc: 'received ORCA load report ; want',
  // A door says no in a message; a handler that fails is all that becomes a status.
  status_code_and_message: 'code = Internal desc = the handler failed',
  special_status_message: 'code = Internal desc = the handler failed',
}

/** Ours, in grpc-go/main.go. */
const further = [
  'half_duplex',
  'message_sizes',
  'too_large',
  'many_streams',
  'slow_reader',
  'deadline_while_server_waits',
  'cancel_while_server_waits',
]

/** Some seconds, unless the machine is very busy. Milliseconds. */
const patience = 240_000

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

async function play(address: BoundAddress, ...args: readonly string[]) {
  const target = address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
  return (await grpcGo('-target', target, ...args)).map(line => resultSchema.parse(line))
}

describe('a client of grpc-go', () => {
  const tls = ['-ca', clientFiles.ca, '-cert', clientFiles.cert, '-key', clientFiles.key]
  const servers = [
    { transport: 'native', line: 'h2c', args: [] },
    { transport: 'native', line: 'tls', args: tls },
    { transport: 'native', line: 'unix', args: [] },
    { transport: 'grpc-js', line: 'h2c', args: [] },
    { transport: 'grpc-js', line: 'tls', args: tls },
  ] as const
  it.each(servers)(
    'is served in all cases that are offered: $transport, $line',
    async ({ transport, line, args }) => {
      const service = createTestService()
      const served: Served = await serve(transport, line, [service])
      cleanups.push(() => served.stop())
      const results = await play(served.address, ...args)
      const names = [...official, ...Object.keys(notOffered), ...further]
      expect(results.map(({ name }) => name).sort()).toEqual(names.sort())
      expect(results.filter(({ name, passed }) => !passed && notOffered[name] === undefined)).toEqual([])
      for (const { name, problem } of results) expect(problem, name).toContain(notOffered[name] ?? '')
      // Whatever ended them, handlers were told.
      await eventually('the end of all streams', () => service.open() === 0)
      expect(service.opened()).toBeGreaterThan(8)
      // Whoever waits a millisecond does not get as far as HTTP/2, and our log says so.
      expect(served.troubles.filter(trouble => trouble !== 'TLS handshake failed: ECONNRESET')).toEqual([])
    },
    patience,
  )

  it.each(['native', 'grpc-js'] as const)('loses no call when connections reach their age: %s', async transport => {
    const service = createTestService()
    const served = await serve(transport, 'h2c', [service], { maxConnectionAgeMs: 500 })
    cleanups.push(() => served.stop())
    expect(await play(served.address, '-case', 'calls_all_the_time')).toMatchObject([{ passed: true, problem: '' }])
    expect(service.peers.size).toBeGreaterThan(1)
  })

  it('reads the messages of a status as we write them', async () => {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n'
    const server = createServer()
    server.on('stream', stream => {
      // The client may be gone before the stream has ended.
      stream.on('error', () => undefined)
      const head = { ':status': 200, 'content-type': 'application/grpc' }
      stream.respond({ ...head, 'grpc-status': '2', 'grpc-message': encodeMessage(message) }, { endStream: true })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const bound = server.address()
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0
    const results = await play({ kind: 'tcp', host: '127.0.0.1', port }, '-case', 'special_status_message')
    expect(results).toMatchObject([{ name: 'special_status_message', passed: true }])
  })
})
