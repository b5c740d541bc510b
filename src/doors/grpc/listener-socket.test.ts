import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { createGrpcJsTransport, type GrpcJsTransportOptions } from './grpc-js-transport.js'
import { listen } from './listen.js'

const fixture = (name: string) => join(fileURLToPath(new URL('../../../test/wire/fixtures/', import.meta.url)), name)
const path = '/test.Echo/Say'
const pass = (bytes: Buffer) => bytes

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** A transport behind a server of somebody else, which hands over what connects there, as a primary does. */
async function handed(options: Partial<GrpcJsTransportOptions> = {}) {
  let accept: ((connection: Socket) => void) | undefined
  const server: Server = createServer({ pauseOnConnect: true }, connection => {
    if (accept === undefined) connection.destroy()
    else {
      // As it is in the process that gets it.
      connection.resume()
      accept(connection)
    }
  })
  const address = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
  const bound = await listen(server, address)
  cleanups.push(() => server.close())
  const take = (taker: (connection: Socket) => void) => {
    accept = taker
    return () => {
      accept = undefined
    }
  }
  const errors: string[] = []
  const transport = createGrpcJsTransport([{ unary: new Map([[path, message => message]]) }], {
    address: { ...address, handed: { bound, take } },
    onError: message => errors.push(message),
    ...options,
  })
  cleanups.push(() => transport.stop())
  if (bound.kind !== 'tcp') throw new Error('not TCP')
  return { transport, bound, errors, isOpen: () => accept !== undefined, target: `127.0.0.1:${bound.port}` }
}

function ask(target: string, creds = credentials.createInsecure()): Promise<string> {
  const client = new Client(target, creds, { 'grpc.use_local_subchannel_pool': 1 })
  cleanups.push(() => client.close())
  return new Promise(resolve =>
    client.makeUnaryRequest(path, pass, pass, Buffer.from('hello'), { deadline: Date.now() + 3000 }, (error, answer) =>
      resolve(answer === undefined ? `code ${error?.code}` : String(answer)),
    ),
  )
}

const tls = { cert: fixture('server.pem'), key: fixture('server.key.pem'), clientCA: fixture('ca.pem') }
const read = (name: string) => readFileSync(fixture(name))

describe('connections that another process hands over', () => {
  it('are served, and it says where that one listens', async () => {
    const { transport, target, bound } = await handed()
    expect(await transport.start()).toEqual(bound)
    expect(await ask(target)).toBe('hello')
  })

  it('speak TLS, and need a client certificate where one is asked for', async () => {
    const { transport, target, errors } = await handed({ tls })
    await transport.start()
    const certificate = [read('ca.pem'), read('gateway.key.pem'), read('gateway.pem')] as const
    expect(await ask(target, credentials.createSsl(...certificate))).toBe('hello')
    expect(await ask(target, credentials.createSsl(certificate[0]))).toMatch(/^code 14/)
    expect(await ask(target)).toMatch(/^code 14/)
    expect(errors.join()).toContain('TLS handshake failed')
  })

  it('are no more than a listener of our own would take', async () => {
    const { transport, target } = await handed({ maxConnections: 1 })
    await transport.start()
    expect(await ask(target)).toBe('hello')
    expect(await ask(target)).toMatch(/^code 14/)
  })

  it('end with the door: what comes later is not taken', async () => {
    const { transport, isOpen } = await handed()
    expect(isOpen()).toBe(false)
    await transport.start()
    expect(isOpen()).toBe(true)
    expect(await transport.drain(1000)).toBe(0)
    expect(isOpen()).toBe(false)
  })
})
