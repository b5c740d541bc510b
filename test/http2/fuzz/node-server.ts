import { createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import type { Field } from './hpack-encoder.js'

/** A server on node:http2, whose reading of what is sent we compare with ours. */
export interface NodeServer {
  readonly address: BoundAddress
  /** The fields of requests on a connection, by stream; `port` is that of the client. */
  requests(port: number): Map<number, readonly Field[]>
  /** Errors of a connection, as Node names them. */
  errors(port: number): readonly string[]
  forget(port: number): void
  close(): Promise<void>
}

/** @param answer what is said to a request with this head and body */
export async function startNodeServer(
  answer: (fields: ReadonlyMap<string, string>, body: Buffer) => { head: Record<string, string>; body: Buffer },
): Promise<NodeServer> {
  const seen = new Map<number, Map<number, readonly Field[]>>()
  const errors = new Map<number, string[]>()
  const of = <T>(map: Map<number, T>, port: number, make: () => T): T => {
    const known = map.get(port) ?? make()
    map.set(port, known)
    return known
  }
  const server: Http2Server = createServer({
    maxHeaderListPairs: 10_000,
    maxSessionInvalidFrames: 10_000,
    settings: { initialWindowSize: 65_535, maxConcurrentStreams: 1000 },
  })
  server.on('session', session => {
    const port = session.socket.remotePort ?? 0
    session.on('error', (error: NodeJS.ErrnoException) => of(errors, port, () => []).push(error.message))
  })
  server.on('stream', (stream, headers, _flags, ...rest: unknown[]) => {
    const [raw] = rest
    const list = Array.isArray(raw) ? raw.map(String) : []
    const fields: Field[] = []
    for (let at = 0; at + 1 < list.length; at += 2) fields.push([list[at] ?? '', list[at + 1] ?? ''])
    const port = stream.session?.socket?.remotePort ?? 0
    if (stream.id !== undefined) of(seen, port, () => new Map()).set(stream.id, fields)
    const body: Buffer[] = []
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => body.push(chunk))
    stream.on('end', () => {
      if (stream.destroyed || stream.closed) return
      const said = answer(
        new Map(Object.entries(headers).map(([name, value]) => [name, String(value)])),
        Buffer.concat(body),
      )
      stream.respond(said.head, { endStream: said.body.length === 0 })
      if (said.body.length > 0) stream.end(said.body)
    })
  })
  server.on('error', () => undefined)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    requests: client => of(seen, client, () => new Map()),
    errors: client => errors.get(client) ?? [],
    forget: client => {
      seen.delete(client)
      errors.delete(client)
    },
    close: () => {
      for (const session of sessions) session.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
