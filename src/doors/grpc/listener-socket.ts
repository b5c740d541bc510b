import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import type { BoundAddress } from './grpc-transport.js'
import { createTlsServer, type TlsReload, type TlsSettings } from './tls-server.js'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** `mode` is the file mode of the socket, default 0o660: the gateway shares a group with us, nobody else may ask. */
  | { readonly kind: 'unix'; readonly path: string; readonly mode?: number }

export interface ListenerSocket {
  readonly address: BoundAddress
  /** Stops accepting; connections stay. Removes a unix socket. */
  close(): void
  /** Resolves when no connection is left, or after `limitMs`. */
  emptied(limitMs: number): Promise<void>
  /** Ends every connection. */
  destroyConnections(): void
  /** Reads certificate files anew, if there are any. */
  readonly tls: TlsReload | undefined
}

export interface ListenerSocketOptions {
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Connections beyond this many are dropped at once. Default 1024. */
  readonly maxConnections?: number
  onConnection(socket: Socket): void
  /** Trouble with a connection or with certificate files; never holds data of a request. */
  onError(message: string): void
}

/**
 * Opens a TCP or unix listener, with TLS if asked, and hands over connections whose peer may speak to us.
 * Rejects with an error for the operator when the address or the certificates cannot be used.
 */
export async function openListenerSocket(options: ListenerSocketOptions): Promise<ListenerSocket> {
  const connections = new Set<Socket>()
  const accept = (socket: Socket) => {
    // A reset by the peer is its own business; without a listener it would end the process.
    socket.on('error', () => undefined)
    options.onConnection(socket)
  }
  const secure = options.tls ? createTlsServer(options.tls, accept, options.onError) : undefined
  const server = secure?.server ?? createServer({ noDelay: true }, accept)
  server.maxConnections = options.maxConnections ?? 1024
  // "connection" comes before the TLS handshake, so that unfinished handshakes are ended with the rest.
  server.on('connection', socket => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  try {
    const address = await listen(server, options.address)
    server.on('error', error => options.onError(`listener: ${error.message}`))
    return {
      address,
      tls: secure,
      close: () => {
        secure?.close()
        server.close()
      },
      emptied: limitMs => emptied(connections, limitMs),
      destroyConnections: () => {
        for (const socket of connections) socket.destroy()
      },
    }
  } catch (error) {
    secure?.close()
    throw error
  }
}

function emptied(connections: ReadonlySet<Socket>, limitMs: number): Promise<void> {
  if (connections.size === 0) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, limitMs)
    const look = () => {
      if (connections.size > 0) return
      clearTimeout(timer)
      resolve()
    }
    // Added later than the listener that takes the connection off the list.
    for (const socket of connections) socket.once('close', look)
  })
}

async function listen(server: Server, address: ListenAddress): Promise<BoundAddress> {
  if (address.kind === 'unix') await removeStaleSocket(address.path)
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  if (address.kind === 'tcp') {
    server.listen({ host: address.host, port: address.port })
    await listening
    const bound = server.address()
    const port = bound !== null && typeof bound === 'object' ? bound.port : address.port
    return { kind: 'tcp', host: address.host, port }
  }
  const mode = address.mode ?? 0o660
  // The file appears inside listen(): without the mask anybody could connect before chmod. Workers cannot set it.
  const mask = isMainThread ? process.umask(0o177) : undefined
  try {
    server.listen({ path: address.path })
  } finally {
    if (mask !== undefined) process.umask(mask)
  }
  await listening
  chmodSync(address.path, mode)
  return { kind: 'unix', path: address.path }
}

/** Removes the socket of a process that is gone. A living one, or a file of another type, is an error. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket; remove it or choose another path`)
  const alive = await new Promise<boolean>(resolve => {
    const probe = createConnection({ path })
    probe.setTimeout(1000, () => probe.destroy(new Error('no answer')))
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', error => resolve(!('code' in error && error.code === 'ECONNREFUSED')))
  })
  if (alive) throw new Error(`${path} is in use by another process`)
  unlinkSync(path)
}
