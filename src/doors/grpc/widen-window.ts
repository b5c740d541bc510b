import { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import type { Server } from '@grpc/grpc-js'

/** Bytes that a peer may have on the way to us, over all streams of a connection. As much as Node reads in one turn. */
const windowBytes = 2 * 1024 * 1024

/**
 * Lets a gateway send what it has. With the 64 KiB that HTTP/2 begins with, some forty requests fit into one turn of the
 * event loop; the rest would wait in the gateway, where nobody sees how long, instead of being refused in time. grpc-js
 * has no option for it on servers, so its own servers are looked for; their sessions are the same objects everywhere.
 * The window of each stream stays as it is, and so does what a stream can make us hold.
 *
 * @returns whether they were found; a test holds us to it
 */
export function widenWindow(server: Server): boolean {
  const servers: unknown = Reflect.get(server, 'http2Servers')
  if (!(servers instanceof Map)) return false
  let found = false
  for (const one of servers.keys()) {
    if (!(one instanceof EventEmitter)) continue
    found = true
    one.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(windowBytes))
  }
  return found
}
