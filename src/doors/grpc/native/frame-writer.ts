import type { Socket } from 'node:net'
import { defaultFrameBytes, type ErrorCode, flags, frameTypes } from './http2-codes.js'

const headBytes = 9

/** What is gathered before it must go. Larger than any frame of ours. Bytes. */
const scratchBytes = 64 * 1024

/** Less than this is copied out when the line is slow, so that many small writes do not each hold a whole scratch. Bytes. */
const smallBytes = 8 * 1024

/** Scratches that nobody uses, of all connections. */
const pool: Buffer[] = []
const poolSize = 8

/** Gathers frames, and writes them to the socket all at once. Whoever writes says when: {@link flush}. */
export class FrameWriter {
  readonly #socket: Socket
  #bytes: Buffer | undefined
  #used = 0
  readonly #leaving: Buffer[] = []

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Bytes that have not left: gathered here, or waiting in the socket. */
  get waiting(): number {
    return this.#used + this.#socket.writableLength
  }

  /** Bytes gathered since the last flush. */
  get gathered(): number {
    return this.#used
  }

  flush(): void {
    const bytes = this.#bytes
    if (bytes === undefined || this.#used === 0) return
    const used = this.#used
    this.#used = 0
    if (!this.#socket.writable) return
    if (used < smallBytes && this.#socket.writableLength > 0) {
      this.#socket.write(Buffer.from(bytes.subarray(0, used)))
      return
    }
    this.#bytes = undefined
    this.#leaving.push(bytes)
    this.#socket.write(bytes.subarray(0, used), this.#left)
  }

  headers(id: number, block: Uint8Array, endStream: boolean): void {
    const flag = endStream ? flags.endHeaders | flags.endStream : flags.endHeaders
    this.#head(block.length, frameTypes.headers, flag, id)
    this.#copy(block)
  }

  /** A message of gRPC: its length, and its bytes. Must fit into one frame. */
  message(id: number, message: Uint8Array): void {
    const { length } = message
    const bytes = this.#head(length + 5, frameTypes.data, 0, id)
    let at = this.#used
    bytes[at++] = 0
    bytes[at++] = length >>> 24
    bytes[at++] = length >>> 16
    bytes[at++] = length >>> 8
    bytes[at++] = length
    bytes.set(message, at)
    this.#used = at + length
  }

  data(id: number, source: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#head(end - start, frameTypes.data, endStream ? flags.endStream : 0, id)
    this.#copy(start === 0 && end === source.length ? source : source.subarray(start, end))
  }

  resetStream(id: number, code: ErrorCode): void {
    this.#head(4, frameTypes.resetStream, 0, id)
    this.#uint32(code)
  }

  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    const bytes = this.#head(pairs.length * 6, frameTypes.settings, 0, 0)
    for (const [id, value] of pairs) {
      bytes[this.#used++] = id >>> 8
      bytes[this.#used++] = id
      this.#uint32(value)
    }
  }

  settingsAck(): void {
    this.#head(0, frameTypes.settings, flags.ack, 0)
  }

  ping(ack: boolean, payload: Uint8Array, start: number): void {
    this.#head(8, frameTypes.ping, ack ? flags.ack : 0, 0)
    this.#copy(payload.subarray(start, start + 8))
  }

  goAway(lastId: number, code: ErrorCode): void {
    this.#head(8, frameTypes.goAway, 0, 0)
    this.#uint32(lastId)
    this.#uint32(code)
  }

  windowUpdate(id: number, increment: number): void {
    this.#head(4, frameTypes.windowUpdate, 0, id)
    this.#uint32(increment)
  }

  /** Writes the head of a frame, and sees to it that there is room for the payload. */
  #head(length: number, type: number, flag: number, id: number): Buffer {
    if (length > defaultFrameBytes) throw new RangeError('a frame is too large')
    if (this.#bytes !== undefined && this.#used + headBytes + length > scratchBytes) this.flush()
    this.#bytes ??= pool.pop() ?? Buffer.allocUnsafeSlow(scratchBytes)
    const bytes = this.#bytes
    let at = this.#used
    bytes[at++] = length >>> 16
    bytes[at++] = length >>> 8
    bytes[at++] = length
    bytes[at++] = type
    bytes[at++] = flag
    bytes[at++] = id >>> 24
    bytes[at++] = id >>> 16
    bytes[at++] = id >>> 8
    bytes[at++] = id
    this.#used = at
    return bytes
  }

  #copy(source: Uint8Array): void {
    this.#bytes?.set(source, this.#used)
    this.#used += source.length
  }

  #uint32(value: number): void {
    const bytes = this.#bytes
    if (bytes === undefined) return
    bytes[this.#used++] = value >>> 24
    bytes[this.#used++] = value >>> 16
    bytes[this.#used++] = value >>> 8
    bytes[this.#used++] = value
  }

  readonly #left = () => {
    const bytes = this.#leaving.shift()
    if (bytes !== undefined && pool.length < poolSize) pool.push(bytes)
  }
}
