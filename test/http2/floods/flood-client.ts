import { connect, type Socket } from 'node:net'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import { frameTypes, preface, readUint32 } from '../../../src/doors/grpc/native/http2-codes.js'
import { frame, message, requestBlock } from '../../../src/doors/grpc/native/raw-client.fixture.js'

/** What a flood may send at most; nothing that is bounded needs as much. Bytes. */
const mostBytes = 24 * 1024 * 1024
const chunkBytes = 32 * 1024
const wordBytes = 17

export const hello: Buffer = Buffer.concat([preface, frame(4, 0, 0), frame(4, 1, 0)])

/** A connection that is not there to be answered. */
export class FloodClient {
  readonly socket: Socket
  closed = false
  #tail: Buffer = Buffer.alloc(0)

  constructor(address: BoundAddress) {
    this.socket = address.kind === 'tcp' ? connect(address.port, address.host) : connect(address.path)
    this.socket.setNoDelay(true)
    this.socket.on('error', () => undefined)
    this.socket.on('data', chunk => {
      this.#tail = Buffer.from(Buffer.concat([this.#tail, chunk]).subarray(-wordBytes))
    })
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  /** The code of the GOAWAY that was the last word, if it was one. */
  get lastWord(): number | undefined {
    const tail = this.#tail
    return tail.length === wordBytes && tail[3] === frameTypes.goAway ? readUint32(tail, 13) : undefined
  }

  /** Sends what `make` gives, over and over, until the other end has had enough. @returns bytes that were handed over */
  async flood(make: (index: number) => Uint8Array): Promise<number> {
    let sent = 0
    let index = 0
    while (!this.closed && sent < mostBytes) {
      const parts: Uint8Array[] = []
      for (let size = 0; size < chunkBytes; ) {
        const part = make(index++)
        parts.push(part)
        size += part.length
      }
      const chunk = Buffer.concat(parts)
      sent += chunk.length
      if (!this.socket.write(chunk)) await this.#drained()
      else await new Promise<void>(resolve => setImmediate(resolve))
    }
    return sent
  }

  /** Waits for the end. @returns false if it does not come */
  async ended(limitMs: number): Promise<boolean> {
    const end = performance.now() + limitMs
    while (!this.closed && performance.now() < end) await pause(10)
    return this.closed
  }

  #drained(): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.socket.off('drain', done)
        this.socket.off('close', done)
        resolve()
      }
      const timer = setTimeout(done, 2000)
      this.socket.once('drain', done)
      this.socket.once('close', done)
    })
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

export function request(id: number, text: string | Uint8Array = 'hi', method = 'Echo'): Buffer {
  return Buffer.concat([frame(1, 4, id, requestBlock(`/flood.Test/${method}`)), frame(0, 1, id, message(text))])
}
