import { connect, type Socket } from 'node:net'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import type { HeaderField } from '../../../src/doors/grpc/native/hpack/header-field.js'
import { HpackDecoder } from '../../../src/doors/grpc/native/hpack/hpack-decoder.js'
import {
  defaultFrameBytes,
  defaultWindow,
  flags,
  frameTypes,
  maxWindow,
  readUint31,
  readUint32,
  settingIds,
} from '../../../src/doors/grpc/native/http2-codes.js'
import type { Random } from '../../fuzz/random.js'
import type { Field } from './hpack-encoder.js'

/** What came on a stream, and what may go. */
export interface Heard {
  fields: readonly Field[] | undefined
  trailers: readonly Field[] | undefined
  readonly body: Buffer[]
  bytes: number
  ended: boolean
  reset: number | undefined
  /** What the server may send, and what we may. */
  receiveWindow: number
  sendWindow: number
}

/** Long after anything should have happened, also on a machine that is busy with other things. */
export const patienceMs = 20_000

/**
 * The other end of a connection: hears frames, and holds the server to the rules of RFC 9113. Who sends what was planned has the
 * windows watched as well; who sends nonsense cannot know which windows and streams came to be.
 */
export class Peer {
  readonly socket: Socket
  readonly streams = new Map<number, Heard>()
  readonly pings: string[] = []
  goAway: number | undefined
  closed = false
  /** How often something has come. */
  chunks = 0
  settingsAcked = 0
  /** The first rule that the server has broken. */
  problem: string | undefined
  /** What may be sent over all streams. */
  sendWindow = defaultWindow
  receiveWindow = defaultWindow
  /** What new streams begin with, in the eyes of the server. */
  initialWindow = defaultWindow
  highestId = 0
  readonly #planned: boolean
  readonly #hpack = new HpackDecoder()
  readonly #settingsSent: (number | undefined)[] = []
  #serverInitialWindow = defaultWindow
  #bytes: Buffer = Buffer.alloc(0)
  #first = true
  #waiting: (() => void)[] = []

  constructor(address: BoundAddress, planned: boolean) {
    this.#planned = planned
    this.socket = address.kind === 'tcp' ? connect(address.port, address.host) : connect(address.path)
    this.socket.setNoDelay(true)
    this.socket.on('error', () => undefined)
    this.socket.on('data', chunk => this.#onChunk(chunk))
    this.socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  stream(id: number): Heard {
    const known = this.streams.get(id)
    if (known !== undefined) return known
    const stream: Heard = {
      fields: undefined,
      trailers: undefined,
      body: [],
      bytes: 0,
      ended: false,
      reset: undefined,
      receiveWindow: this.initialWindow,
      sendWindow: this.#serverInitialWindow,
    }
    this.streams.set(id, stream)
    return stream
  }

  /** To be called with each SETTINGS that is sent: what it says takes effect when the server says so. */
  onSettingsSent(initialWindow: number | undefined): void {
    this.#settingsSent.push(initialWindow)
  }

  /** Waits until `done` says so, or something is wrong. @returns false if nothing happens any more */
  async until(done: () => boolean, limitMs = patienceMs): Promise<boolean> {
    const end = performance.now() + limitMs
    while (!done() && this.problem === undefined && !this.closed) {
      const left = end - performance.now()
      if (left <= 0) return false
      await this.changed(left)
    }
    return this.problem !== undefined || done() || this.closed
  }

  /** Resolves when something has come, or after `limitMs`. */
  changed(limitMs: number): Promise<void> {
    if (this.closed) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, limitMs)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Closes, and waits until the server has. @returns false if it does not */
  async close(): Promise<boolean> {
    this.socket.end()
    const closed = await this.until(() => this.closed)
    this.socket.destroy()
    return closed
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  #onChunk(chunk: Buffer): void {
    this.chunks++
    let bytes: Buffer = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (bytes.length >= 9 && this.problem === undefined) {
      const length = bytes.readUIntBE(0, 3)
      if (length > defaultFrameBytes) this.problem = `a frame of ${length} bytes`
      if (bytes.length < 9 + length) break
      this.#onFrame(bytes[3] ?? 0, bytes[4] ?? 0, readUint31(bytes, 5), bytes.subarray(9, 9 + length))
      bytes = bytes.subarray(9 + length)
    }
    this.#bytes = bytes
    this.#wake()
  }

  #wrong(what: string): void {
    this.problem ??= what
  }

  #onFrame(type: number, flag: number, id: number, payload: Buffer) {
    if (this.#first && (type !== frameTypes.settings || (flag & flags.ack) !== 0))
      this.#wrong('SETTINGS must come first')
    this.#first = false
    if (this.goAway !== undefined && this.goAway !== 0) return this.#wrong('a frame behind the last word')
    const onStream = id !== 0
    switch (type) {
      case frameTypes.data:
        return this.#onData(id, payload, (flag & flags.endStream) !== 0)
      case frameTypes.headers:
        return this.#onHeaders(id, flag, payload)
      case frameTypes.resetStream: {
        if (payload.length !== 4 || !onStream) return this.#wrong('RST_STREAM is malformed')
        const stream = this.#streamOf(id)
        if (stream !== undefined) stream.reset ??= readUint32(payload, 0)
        return
      }
      case frameTypes.settings:
        return this.#onSettings(flag, onStream, payload)
      case frameTypes.ping:
        if (payload.length !== 8 || onStream) return this.#wrong('PING is malformed')
        if ((flag & flags.ack) !== 0) this.pings.push(payload.toString('hex'))
        return
      case frameTypes.goAway:
        if (payload.length < 8 || onStream) return this.#wrong('GOAWAY is malformed')
        this.goAway = readUint32(payload, 4)
        return
      case frameTypes.windowUpdate:
        return this.#onWindowUpdate(id, payload)
      default:
        this.#wrong(`a frame of type ${type}`)
    }
  }

  /** The stream that a frame is about, which must be one of ours. */
  #streamOf(id: number): Heard | undefined {
    if (id % 2 === 1 && (!this.#planned || id <= this.highestId)) return this.stream(id)
    this.#wrong(`a frame on stream ${id}, which is none of ours`)
    return undefined
  }

  #onData(id: number, payload: Buffer, ends: boolean) {
    const stream = this.#streamOf(id)
    if (stream === undefined) return
    if (stream.fields === undefined) return this.#wrong('DATA before HEADERS')
    if (stream.ended || stream.reset !== undefined) return this.#wrong('DATA behind the end')
    stream.body.push(Buffer.from(payload))
    stream.bytes += payload.length
    stream.ended = ends
    stream.receiveWindow -= payload.length
    this.receiveWindow -= payload.length
    if (!this.#planned) return
    if (payload.length > 0 && stream.receiveWindow < 0) return this.#wrong('more DATA than the window of the stream')
    if (this.receiveWindow < 0) this.#wrong('more DATA than the window of the connection')
  }

  #onHeaders(id: number, flag: number, payload: Buffer) {
    const stream = this.#streamOf(id)
    if (stream === undefined) return
    if ((flag & flags.endHeaders) === 0) return this.#wrong('a header block in pieces')
    const into: HeaderField[] = []
    if (this.#hpack.decode(payload, 0, payload.length, into, 65536) !== 'ok')
      return this.#wrong('a block that is broken')
    if (stream.ended || stream.reset !== undefined) return this.#wrong('HEADERS behind the end')
    const fields = into.map(({ name, value }) => [name, value] as const)
    if (stream.fields === undefined) {
      stream.fields = fields
      if (fields[0]?.[0] !== ':status') this.#wrong('a head without a status')
    } else {
      if ((flag & flags.endStream) === 0) this.#wrong('a second head')
      stream.trailers = fields
    }
    stream.ended = (flag & flags.endStream) !== 0
  }

  #onSettings(flag: number, onStream: boolean, payload: Buffer) {
    if (onStream || payload.length % 6 !== 0) return this.#wrong('SETTINGS are malformed')
    if ((flag & flags.ack) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === settingIds.initialWindowSize) {
          this.#serverInitialWindow = readUint32(payload, at + 2)
        }
      }
      return
    }
    this.settingsAcked++
    const initialWindow = this.#settingsSent.shift()
    if (initialWindow === undefined) return
    const change = initialWindow - this.initialWindow
    this.initialWindow = initialWindow
    for (const stream of this.streams.values()) stream.receiveWindow += change
  }

  #onWindowUpdate(id: number, payload: Buffer) {
    if (payload.length !== 4) return this.#wrong('WINDOW_UPDATE is malformed')
    const increment = readUint31(payload, 0)
    if (increment === 0) return this.#wrong('WINDOW_UPDATE of nothing')
    if (id === 0) {
      this.sendWindow += increment
      if (this.sendWindow > maxWindow) this.#wrong('a window that is too large')
      return
    }
    const stream = this.#streamOf(id)
    if (stream === undefined) return
    stream.sendWindow += increment
    if (stream.sendWindow > maxWindow) this.#wrong('a window that is too large')
  }
}

/** Writes in pieces that are cut anywhere, some of which come in a turn of their own. */
export async function sendInPieces(peer: Peer, bytes: Buffer, random: Random): Promise<void> {
  let at = 0
  // Many tiny pieces of much would take for ever.
  const least = bytes.length / 60
  while (at < bytes.length && !peer.closed) {
    const size = Math.ceil(least + (random.chance(0.3) ? 1 + random.int(12) : 1 + random.int(bytes.length)))
    peer.socket.write(bytes.subarray(at, at + size))
    at += size
    if (random.chance(0.6)) await new Promise<void>(resolve => setImmediate(resolve))
  }
}
