import { createServer, type Server } from 'node:net'

/** A TCP port on 127.0.0.1 that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no free port was found')
  return port
}

/** `count` different free ports. All are held open until the last one is known, so that none comes twice. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (let i = 0; i < count; i++) servers.push(await listenAnywhere())
    return servers.map(portOf)
  } finally {
    await Promise.all(servers.map(server => new Promise(done => server.close(done))))
  }
}

/** The port that a listening server got. Works for HTTP servers too. */
export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a TCP port')
  return address.port
}

/**
 * Below the ports that systems give to outgoing connections (Linux: from 32768, others: from 49152): one of those may
 * be taken again by any connection before the program that is to listen on it has started.
 */
const LOWEST = 15_000
const HIGHEST = 32_000
const ATTEMPTS = 50

async function listenAnywhere(): Promise<Server> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await listenOn(LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST)))
    if (server !== undefined) return server
  }
  throw new Error(`no free port was found between ${LOWEST} and ${HIGHEST}`)
}

/** Undefined when the port is taken, or not ours to take. */
function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
