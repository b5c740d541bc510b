import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frame, message, requestBlock } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { dataFrame, settingsFrame, windowUpdate } from '../fuzz/client-bytes.js'
import { Peer } from '../fuzz/peer.js'
import { FloodClient, hello, pause, request } from './flood-client.js'
import { FloodServer } from './flood-server-process.js'
import { HonestClient } from './honest-client.js'

const mebibyte = 1024 * 1024
let server: FloodServer
beforeAll(async () => {
  server = await FloodServer.start({ stallMs: 3000 })
})
afterAll(() => server?.stop())

function greet(): Peer {
  const peer = new Peer(server.address, true)
  peer.highestId = 1
  peer.onSettingsSent(2 ** 31 - 1)
  peer.receiveWindow = 2 ** 30 + 65_535
  peer.socket.write(Buffer.concat([hello, settingsFrame([[4, 2 ** 31 - 1]]), windowUpdate(0, 2 ** 30)]))
  return peer
}

/** Sends a body as the windows allow. */
async function sendBody(peer: Peer, body: Buffer, end: boolean): Promise<void> {
  const heard = peer.stream(1)
  for (let at = 0; at < body.length && !heard.ended && heard.reset === undefined; ) {
    const room = Math.min(16_384, body.length - at, heard.sendWindow, peer.sendWindow)
    if (room <= 0) {
      await peer.changed(5000)
      continue
    }
    peer.sendWindow -= room
    heard.sendWindow -= room
    peer.socket.write(dataFrame(1, body.subarray(at, at + room), end && at + room === body.length))
    at += room
  }
}

const status = (peer: Peer) => new Map(peer.stream(1).trailers ?? peer.stream(1).fields).get('grpc-status')
const open = (method: string) => frame(1, 4, 1, requestBlock(`/flood.Test/${method}`))

describe('the largest message', () => {
  it('of 5 MiB is read and answered', async () => {
    const peer = greet()
    peer.socket.write(open('Echo'))
    const body = message(Buffer.alloc(5 * mebibyte, 'x'))
    await sendBody(peer, body, true)
    await peer.until(() => peer.stream(1).ended)
    expect([peer.problem, status(peer), Buffer.concat(peer.stream(1).body).equals(body)]).toEqual([
      undefined,
      '0',
      true,
    ])
    await peer.close()
  })

  it('and one byte more is refused by its first five octets', async () => {
    const peer = greet()
    const head = Buffer.alloc(5)
    head.writeUInt32BE(5 * mebibyte + 1, 1)
    peer.socket.write(Buffer.concat([open('Echo'), dataFrame(1, head, false)]))
    await peer.until(() => peer.stream(1).reset !== undefined)
    expect([peer.problem, status(peer), peer.stream(1).reset, peer.goAway]).toEqual([undefined, '8', 0, undefined])
    await peer.close()
  })
})

describe('a slow client', () => {
  it('that sends an octet at a time is waited for', async () => {
    const peer = greet()
    peer.socket.write(open('Echo'))
    for (const octet of message('slow')) {
      peer.socket.write(dataFrame(1, Buffer.of(octet), false))
      await pause(50)
    }
    peer.socket.write(dataFrame(1, Buffer.alloc(0), true))
    await peer.until(() => peer.stream(1).ended)
    expect([status(peer), Buffer.concat(peer.stream(1).body)]).toEqual(['0', message('slow')])
    await peer.close()
  })

  it('that reads an octet in a while goes, when what waits does not leave', async () => {
    const client = new FloodClient(server.address)
    client.socket.pause()
    client.socket.write(Buffer.concat([hello, settingsFrame([[4, 2 ** 31 - 1]]), windowUpdate(0, 2 ** 30)]))
    for (let index = 0; index < 30; index++) client.socket.write(request(2 * index + 1, 'x', 'Large'))
    const reader = setInterval(() => client.socket.read(1), 200)
    await pause(7000)
    clearInterval(reader)
    client.socket.resume()
    expect(await client.ended(5000)).toBe(true)
  })
})

describe('a half-closed stream', () => {
  it('of a client that has said all is answered', async () => {
    const peer = greet()
    peer.socket.write(request(1, 'all'))
    await peer.until(() => peer.stream(1).ended)
    expect([status(peer), peer.stream(1).reset]).toEqual(['0', undefined])
    await peer.close()
  })

  it('in both directions goes on until the server has said all', async () => {
    const peer = greet()
    const body = Buffer.concat(Array.from({ length: 50 }, (_, index) => message(`word ${index}`)))
    peer.socket.write(Buffer.concat([open('Talk'), dataFrame(1, body, true)]))
    await peer.until(() => peer.stream(1).ended)
    expect([status(peer), Buffer.concat(peer.stream(1).body).equals(body)]).toEqual(['0', true])
    await peer.close()
  })

  it('of a server that has said all ends with NO_ERROR, and what still comes is thrown away', async () => {
    const peer = greet()
    peer.socket.write(
      Buffer.concat([frame(1, 4, 1, requestBlock('/flood.Test/None')), dataFrame(1, message('a'), false)]),
    )
    await peer.until(() => peer.stream(1).reset !== undefined)
    peer.socket.write(Buffer.concat([dataFrame(1, Buffer.alloc(1000), true), frame(6, 0, 0, '0102030405060708')]))
    await peer.until(() => peer.pings.length > 0)
    expect([status(peer), peer.stream(1).reset, peer.goAway, peer.pings.length]).toEqual(['12', 0, undefined, 1])
    await peer.close()
  })
})

describe('idle connections', () => {
  const most = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })) || 20_000
  const count = Math.min(10_000, most - 1000)

  it.runIf(count > 100)(`${count} of them cost little, and decisions go on`, async () => {
    const honest = new HonestClient(server.address)
    await honest.work(500)
    const before = await server.usage()
    const clients: FloodClient[] = []
    while (clients.length < count) {
      const some = Array.from({ length: 100 }, () => new FloodClient(server.address))
      await Promise.all(some.map(({ socket }) => new Promise(resolve => socket.once('connect', resolve))))
      for (const { socket } of some) socket.write(hello)
      clients.push(...some)
    }
    await honest.work(1000)
    const during = await server.usage()
    const bytes = (during.usedBytes - before.usedBytes) / clients.length
    console.log(
      `${clients.length} idle connections: ${Math.round(bytes)} bytes each in use, ${Math.round((during.peakBytes - before.peakBytes) / clients.length)} of RSS`,
    )
    expect(clients.filter(({ closed }) => closed)).toHaveLength(0)
    expect(bytes).toBeLessThan(24 * 1024)
    honest.start()
    for (const { socket } of clients) socket.destroy()
    await pause(500)
    await honest.stop()
    expect([honest.problem, honest.answered > 0]).toEqual([undefined, true])
    const after = await server.usage()
    expect(after.usedBytes - before.usedBytes).toBeLessThan(8 * mebibyte)
  })
})
