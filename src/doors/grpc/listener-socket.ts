import { createServer, type Server, type Socket } from 'node:net'
import type { BoundAddress } from './grpc-transport.js'
import { listen, type OwnAddress } from './listen.js'
import { createTlsServer, type TlsReload, type TlsSettings } from './tls-server.js'

/**
 * Where a door is reached, which says who may be at the other end. With `handed` another process of ours listens there, and
 * hands over what connects.
 */
export type ListenAddress = OwnAddress & { readonly handed?: HandedConnections }

export interface HandedConnections {
  /** Where the other process listens. */
  readonly bound: BoundAddress
  /** From now on connections go to `accept`, unread; until what is returned is called. */
  take(accept: (connection: Socket) => void): () => void
}

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
    const { address, leave } = await open(server, options.address, connections)
    server.on('error', error => options.onError(`listener: ${error.message}`))
    return {
      address,
      tls: secure,
      close: () => {
        secure?.close()
        leave()
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

/** `leave`: nothing more is accepted. */
async function open(
  server: Server,
  address: ListenAddress,
  connections: ReadonlySet<Socket>,
): Promise<{ address: BoundAddress; leave(): void }> {
  const { handed } = address
  if (handed === undefined) return { address: await listen(server, address), leave: () => server.close() }
  // What a server does with a connection it does as well with one that it did not accept itself.
  const leave = handed.take(connection => {
    connection.setNoDelay(true)
    if (connections.size < server.maxConnections) server.emit('connection', connection)
    else connection.destroy()
  })
  return { address: handed.bound, leave }
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
