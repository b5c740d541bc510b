import { connect, createServer, type Socket } from 'node:net'
import { portOf } from '../../../src/demo/free-port.js'

/** A way to a port of this machine that can be cut: what listens there goes on, and others reach it. */
export interface BreakableLine {
  readonly port: number
  /** Ends every connection, and each new one at once, until it is mended. */
  cut(): void
  mend(): void
  stop(): Promise<void>
}

export async function startBreakableLine(target: number): Promise<BreakableLine> {
  const sockets = new Set<Socket>()
  let whole = true
  const hold = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer(near => {
    hold(near)
    if (!whole) {
      near.destroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    hold(far)
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: portOf(server),
    cut() {
      whole = false
      destroyAll()
    },
    mend() {
      whole = true
    },
    stop() {
      destroyAll()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
