import { type ClientHttp2Session, connect } from 'node:http2'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'

const path = `/${extAuthzService}/Check`

export interface Stalled {
  close(): void
}

function callOf(session: ClientHttp2Session) {
  return session
    .request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
    .on('error', () => undefined)
}

/** Messages of which the last byte never comes: the server has to keep what it has of each. */
export async function sendWithoutEnd(port: number, calls: number, bytes: number): Promise<Stalled> {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined)
  const start = Buffer.alloc(5)
  start.writeUInt32BE(bytes + 1, 1)
  const body = Buffer.alloc(bytes, 0x61)
  await Promise.all(
    Array.from({ length: calls }, async () => {
      const call = callOf(session)
      call.write(start)
      await new Promise(resolve => call.write(body, resolve))
    }),
  )
  return { close: () => session.destroy() }
}

/** Sends all those messages, and takes nothing of what is said back. */
export async function askWithoutReading(port: number, calls: number, message: Buffer): Promise<Stalled> {
  const sockets: Socket[] = []
  // Between the two: what comes back is not read, so that it stays in the server's hands.
  const between = createServer(client => {
    const server = connectSocket({ port, host: '127.0.0.1' })
    sockets.push(client, server)
    for (const socket of [client, server]) socket.on('error', () => undefined)
    client.pipe(server)
    // The settings have to arrive, or the client would say nothing.
    server.once('data', (settings: Buffer) => {
      client.write(settings)
      server.pause()
    })
  })
  await new Promise<void>(resolve => between.listen(0, '127.0.0.1', resolve))
  const bound: AddressInfo | string | null = between.address()
  const session = connect(`http://127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`)
  session.on('error', () => undefined)
  await new Promise(resolve => session.once('remoteSettings', resolve))
  const start = Buffer.alloc(5)
  start.writeUInt32BE(message.length, 1)
  const framed = Buffer.concat([start, message])
  for (let i = 0; i < calls; i++) callOf(session).end(framed)
  return {
    close() {
      session.destroy()
      for (const socket of sockets) socket.destroy()
      between.close()
    },
  }
}
