import { afterEach, describe, expect, it } from 'vitest'
import { preface } from '../../../src/doors/grpc/native/http2-codes.js'
import type { Limits } from '../../../src/doors/grpc/native/limits.js'
import { frame, message, requestBlock } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { dataFrame, settingsFrame, windowUpdate } from '../fuzz/client-bytes.js'
import { FloodClient, hello, pause, request } from './flood-client.js'
import { FloodServer } from './flood-server-process.js'
import { HonestClient } from './honest-client.js'

const mebibyte = 1024 * 1024
const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

interface Attack {
  readonly limits: Partial<Limits>
  readonly clients: number
  /** What the process may take more, at most, and when all is over. Bytes. */
  readonly most: number
  readonly left: number
  attack(client: FloodClient): Promise<void> | void
}

/** All attack at once, while somebody honest asks; then the server must have let them go by itself. */
async function attack({ limits, clients, most, left, attack }: Attack, endsMs = 30_000) {
  const server = await FloodServer.start(limits)
  cleanups.push(() => server.stop())
  const warm = new HonestClient(server.address)
  await warm.work(500)
  await warm.stop()
  const before = await server.usage()
  const honest = new HonestClient(server.address)
  honest.start()
  const attackers = Array.from({ length: clients }, () => new FloodClient(server.address))
  cleanups.push(() => {
    for (const { socket } of attackers) socket.destroy()
  })
  await Promise.all(attackers.map(client => attack(client)))
  const ended = await Promise.all(attackers.map(client => client.ended(endsMs)))
  await honest.stop()
  // The server may hear of the last ones later than they do.
  let after = await server.usage()
  for (let round = 0; round < 20 && after.usedBytes - before.usedBytes >= left; round++) {
    await pause(250)
    after = await server.usage()
  }
  expect([honest.problem, honest.answered > 0, honest.longestMs < 15_000]).toEqual([undefined, true, true])
  expect(
    ended.filter(end => !end),
    'nothing ends them',
  ).toEqual([])
  expect(after.peakBytes - before.peakBytes).toBeLessThan(most)
  expect(after.usedBytes - before.usedBytes).toBeLessThan(left)
  expect(after.troubles.some(text => text.includes('our own'))).toBe(false)
  return after
}

const wide = Buffer.concat([settingsFrame([[4, 2 ** 31 - 1]]), windowUpdate(0, 2 ** 30)])
const id = (index: number) => 2 * index + 1

describe('who holds on', () => {
  it('and does not read what was asked for (CVE-2019-9517) goes, and what waited is bounded', async () => {
    await attack({
      limits: { stallMs: 1000, queuedBytes: 16 * mebibyte },
      clients: 4,
      // Each may have what waits, and the answers of one turn of the event loop on top.
      most: 4 * 2 * 16 * mebibyte + 64 * mebibyte,
      left: 8 * mebibyte,
      async attack(client) {
        client.socket.pause()
        client.socket.write(Buffer.concat([hello, wide]))
        for (let index = 0; index < 200 && !client.closed; index++) {
          client.socket.write(request(id(index), 'x', 'Large'))
          await pause(1)
        }
        await pause(3500)
        client.socket.resume()
      },
    })
  })

  it('and does not open windows holds no more than what is bearable', async () => {
    await attack({
      limits: { stallMs: 1000, queuedBytes: 16 * mebibyte },
      clients: 4,
      most: 4 * 2 * 16 * mebibyte + 64 * mebibyte,
      left: 8 * mebibyte,
      attack(client) {
        client.socket.write(hello)
        for (let index = 0; index < 200; index++) client.socket.write(request(id(index), 'x', 'Large'))
      },
    })
  })

  it('messages that do not end are bounded over a connection', async () => {
    const held = 8 * mebibyte
    const start = Buffer.concat([Buffer.from('0000500000', 'hex'), Buffer.alloc(60_000)])
    const pieces = Array.from({ length: 4 }, (_, piece) => start.subarray(piece * 16_000, (piece + 1) * 16_000))
    await attack({
      limits: { heldBytes: held, keepAliveMs: 4000, keepAliveAnswerMs: 4000 },
      clients: 3,
      most: 3 * held + 64 * mebibyte,
      left: 8 * mebibyte,
      async attack(client) {
        client.socket.write(hello)
        for (let index = 0; index < 800; index++) {
          const open = frame(1, 4, id(index), requestBlock('/flood.Test/Never'))
          client.socket.write(Buffer.concat([open, ...pieces.map(piece => dataFrame(id(index), piece, false))]))
          if (index % 20 === 0) await pause(1)
        }
      },
    })
  })

  const slow: [string, (client: FloodClient) => void][] = [
    ['nothing', () => undefined],
    ['half a preface', client => client.socket.write(preface.subarray(0, 12))],
    ['no SETTINGS', client => client.socket.write(preface)],
    [
      'an octet of the preface at a time',
      client => {
        let at = 0
        const timer = setInterval(() => client.socket.write(preface.subarray(at, ++at)), 300)
        client.socket.on('close', () => clearInterval(timer))
      },
    ],
    [
      'a header block that does not end',
      client => {
        client.socket.write(Buffer.concat([hello, frame(1, 0, 1, requestBlock())]))
        const timer = setInterval(() => client.socket.write(frame(9, 0, 1, '00')), 500)
        client.socket.on('close', () => clearInterval(timer))
      },
    ],
    [
      'half a frame of headers',
      client => client.socket.write(Buffer.concat([hello, frame(1, 4, 1, requestBlock())]).subarray(0, -3)),
    ],
    ['nothing after a greeting, not even to a PING', client => client.socket.write(hello)],
  ]
  it('slowloris, of every kind', async () => {
    let next = 0
    await attack({
      limits: { handshakeMs: 1000, keepAliveMs: 4000, keepAliveAnswerMs: 4000 },
      clients: 300,
      most: 64 * mebibyte,
      left: 8 * mebibyte,
      attack: client => slow[next++ % slow.length]?.[1](client),
    })
  })

  it('connections that come and go leave nothing', async () => {
    await attack({
      limits: {},
      clients: 20,
      most: 64 * mebibyte,
      left: 8 * mebibyte,
      async attack(client) {
        const { remotePort: port = 0 } = client.socket
        await pause(50)
        const to = client.socket.remotePort ?? port
        for (let count = 0; count < 50; count++) {
          const other = new FloodClient({ kind: 'tcp', host: '127.0.0.1', port: to })
          other.socket.write(count % 3 === 0 ? hello : Buffer.concat([hello, request(1)]))
          if (count % 2 === 0) await pause(1)
          if (count % 5 === 0) other.socket.resetAndDestroy()
          else other.socket.end()
        }
        client.socket.end()
      },
    })
  })

  it('windows of one octet (CVE-2019-9511) cost no more than a request each', async () => {
    const server = await FloodServer.start()
    cleanups.push(() => server.stop())
    const honest = new HonestClient(server.address)
    await honest.work(2000)
    const start = await server.usage()
    await honest.work(2000)
    const middle = await server.usage()
    const updates = 20_000
    const client = new FloodClient(server.address)
    cleanups.push(() => client.socket.destroy())
    client.socket.write(Buffer.concat([hello, settingsFrame([[4, 0]]), request(1, message(Buffer.alloc(30_000)))]))
    let sent = 0
    honest.start()
    while (sent < updates && !client.closed) {
      client.socket.write(Buffer.concat(Array.from({ length: 100 }, () => windowUpdate(1, 1))))
      sent += 100
      await pause(1)
    }
    await honest.stop()
    const end = await server.usage()
    const requestMicros = (middle.cpuMicros - start.cpuMicros) / 2000
    const cost = end.cpuMicros - middle.cpuMicros - 10 * honest.answered * requestMicros
    expect(honest.problem).toBeUndefined()
    expect(cost / updates).toBeLessThan(2 * requestMicros)
    expect(end.usedBytes - start.usedBytes).toBeLessThan(4 * mebibyte)
  })
})
