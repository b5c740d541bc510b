import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import { preface } from '../../../src/doors/grpc/native/http2-codes.js'
import { createNativeTransport } from '../../../src/doors/grpc/native/native-transport.js'
import { frame, message, requestBlock } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { echoService, paths } from './echo-service.js'
import { Peer } from './peer.js'

export interface Stand {
  readonly address: BoundAddress
  /** Says something on a connection that nobody else touches. @returns what was wrong with the answer */
  probe(): Promise<string | undefined>
  /** What the server said about itself that only a bug of ours makes it say. */
  ownErrors(): readonly string[]
  /** @returns what was wrong at the end */
  close(): Promise<string | undefined>
}

/** Our server, with an honest client beside those who try it. */
export async function startStand(): Promise<Stand> {
  const errors: string[] = []
  const transport = createNativeTransport([echoService], {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    onError: text => {
      if (text.includes('our own')) errors.push(text)
    },
  })
  const address = await transport.start()
  let honest: Peer | undefined
  let id = 1

  return {
    address,
    ownErrors: () => errors,
    async probe() {
      // Ids come to an end, and so do the counts that a peer keeps.
      if (honest === undefined || id > 2000) {
        await honest?.close()
        honest = new Peer(address, true)
        honest.socket.write(Buffer.concat([preface, frame(4, 0, 0), frame(4, 1, 0)]))
        id = 1
      }
      const text = `probe ${id}`
      honest.highestId = id
      const heard = honest.stream(id)
      honest.socket.write(Buffer.concat([frame(1, 4, id, requestBlock(paths.unary)), frame(0, 1, id, message(text))]))
      id += 2
      await honest.until(() => heard.ended)
      if (honest.problem !== undefined) return honest.problem
      const body = Buffer.concat(heard.body)
      return heard.ended && body.equals(message(text)) ? undefined : `an honest client heard ${body.toString('hex')}`
    },
    async close() {
      await honest?.close()
      const left = await transport.drain(5000)
      await transport.stop()
      return left === 0 ? undefined : `${left} calls never ended`
    },
  }
}
