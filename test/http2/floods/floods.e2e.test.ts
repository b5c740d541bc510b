import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCodes } from '../../../src/doors/grpc/native/http2-codes.js'
import { FloodClient, hello } from './flood-client.js'
import { FloodServer, type ServerUsage } from './flood-server-process.js'
import { floods } from './floods.js'
import { HonestClient } from './honest-client.js'

const mebibyte = 1024 * 1024

/** One after the other, each while somebody honest asks. */
const connections = 2

/** What an honest client may have to wait: it shares the machine with the flood and with other tests. Milliseconds. */
const waitMs = 15_000

let server: FloodServer
/** Processor time of an honest request, in the same process and the same run. Microseconds. */
let requestMicros = 0
let before: ServerUsage

beforeAll(async () => {
  server = await FloodServer.start()
  const client = new HonestClient(server.address)
  await client.work(3000)
  const start = await server.usage()
  await client.work(3000)
  const end = await server.usage()
  requestMicros = (end.cpuMicros - start.cpuMicros) / 3000
  await client.stop()
  before = await server.usage()
})
afterAll(() => server?.stop())

describe('floods that are ended', () => {
  it.each(floods.map(flood => [flood.name, flood] as const))('%s', async (_name, flood) => {
    const honest = new HonestClient(server.address)
    honest.start()
    const start = await server.usage()
    const words: (number | undefined)[] = []
    for (let count = 0; count < connections; count++) {
      const client = new FloodClient(server.address)
      client.socket.write(Buffer.concat([hello, flood.first ?? Buffer.alloc(0)]))
      await client.flood(flood.make)
      expect(await client.ended(5000), 'nothing ends it').toBe(true)
      words.push(client.lastWord)
    }
    await honest.stop()
    const end = await server.usage()
    expect([honest.problem, honest.answered > 0, honest.longestMs < waitMs]).toEqual([undefined, true, true])
    // What the honest client asked was asked one by one, which costs more.
    const cost = (end.cpuMicros - start.cpuMicros) / requestMicros - 10 * honest.answered
    expect(cost / connections).toBeLessThan(flood.worth)
    // A client that goes on sending may lose the last word, which its own system throws away.
    const good: (number | undefined)[] = [undefined, errorCodes.enhanceYourCalm, flood.code]
    expect(words.filter(code => !good.includes(code))).toEqual([])
    expect(end.troubles.some(text => text.includes('our own'))).toBe(false)
  })

  it('leave nothing behind', async () => {
    const end = await server.usage()
    expect(end.usedBytes - before.usedBytes).toBeLessThan(8 * mebibyte)
    expect(end.peakBytes - before.peakBytes).toBeLessThan(160 * mebibyte)
  })
})
