import { createServer } from 'node:net'
import type { GrpcService } from '../../../src/doors/grpc/grpc-transport.js'
import { Connection } from '../../../src/doors/grpc/native/connection.js'
import { CallCounter, methodsOf } from '../../../src/doors/grpc/native/grpc-server.js'
import { defaultLimits } from '../../../src/doors/grpc/native/limits.js'
import { openCall } from '../../../src/doors/grpc/native/open-call.js'
import type { Served } from './transports.js'

const path = '/test.Any/Thing'

/** Says something at once, and ends when its caller does. */
const service: GrpcService = {
  unary: new Map(),
  bidiStreams: new Map([
    [
      path,
      stream => {
        stream.send(Buffer.from('something that an answer has to say'))
        return { onMessage: () => undefined, onEnd: () => stream.end() }
      },
    ],
  ]),
}

/**
 * The native transport with every request taken for a call, whatever it is. A client of HTTP that is no client of gRPC gets a
 * refusal otherwise, and what answers that is not what answers calls.
 */
export async function serveAnythingAsCalls(): Promise<Served> {
  const troubles: string[] = []
  const connections = new Set<Connection>()
  const calls = { methods: methodsOf([service]), maxReceiveBytes: 1 << 20, calls: new CallCounter() }
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => undefined)
    connections.add(
      new Connection(socket, {
        limits: defaultLimits,
        maxConcurrentStreams: 1000,
        openStream: (session, id, ended, head, fields) =>
          openCall(
            calls,
            session,
            id,
            ended,
            { ...head, method: 'POST', path, contentType: 'application/grpc' },
            fields,
          ),
        onClosed: connection => connections.delete(connection),
        onTrouble: what => troubles.push(what),
      }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    troubles,
    stop: async () => {
      server.close()
      for (const connection of connections) connection.destroy()
    },
  }
}
