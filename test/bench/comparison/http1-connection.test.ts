import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { portOf } from '../../../src/demo/free-port.js'
import { closedLoop } from '../load.js'
import { Http1Connection } from './http1-connection.js'

const expected = Buffer.from('{"ok":true}')
const request = Buffer.from('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}')
const answer = (status: string, body: Buffer) =>
  Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nserver: x\r\n\r\n`), body])

describe('a connection of the load generator', () => {
  const closes: (() => void)[] = []
  afterEach(() => {
    for (const close of closes.splice(0)) close()
  })

  it.each([
    { name: 'takes the expected answer for right', pieces: [answer('200 OK', expected)], wrong: 0 },
    {
      name: 'waits for an answer that comes in pieces',
      pieces: [...answer('200 OK', expected)].map(byte => Buffer.of(byte)),
      wrong: 0,
    },
    { name: 'takes another status for wrong', pieces: [answer('403 Forbidden', expected)], wrong: 3 },
    { name: 'takes another body for wrong', pieces: [answer('200 OK', Buffer.from('{"no":true}'))], wrong: 3 },
  ])('$name', async ({ pieces, wrong }) => {
    const port = await serve(socket => {
      for (const piece of pieces) socket.write(piece)
    })
    const connection = await Http1Connection.open(port, expected)
    closes.push(() => connection.close())
    const result = await closedLoop([connection], 1, { next: () => request, expectedCode: 0 }, { requests: 3 })
    expect(result).toMatchObject({ requests: 3, wrong })
  })

  it('takes what a closed connection leaves open for wrong, and ends', async () => {
    const port = await serve(socket => socket.destroy())
    const connection = await Http1Connection.open(port, expected)
    closes.push(() => connection.close())
    const result = await closedLoop([connection], 1, { next: () => request, expectedCode: 0 }, { requests: 3 })
    expect(result.wrong).toBeGreaterThan(0)
    expect(result.wrong).toBe(result.requests)
  })

  async function serve(onRequest: (socket: Socket) => void): Promise<number> {
    const server = createServer(socket => {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('data', () => onRequest(socket))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closes.push(() => server.close())
    return portOf(server)
  }
})
