import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createConnection, type Server } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import type { BoundAddress } from './grpc-transport.js'

/** An address on which this process listens itself. */
export type OwnAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** `mode` is the file mode of the socket, default 0o660: the gateway shares a group with us, nobody else may ask. */
  | { readonly kind: 'unix'; readonly path: string; readonly mode?: number }

/** Opens the address. Rejects with an error for the operator. Port 0 takes a free one; a unix socket is there with its mode from the first moment. */
export async function listen(server: Server, address: OwnAddress): Promise<BoundAddress> {
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
