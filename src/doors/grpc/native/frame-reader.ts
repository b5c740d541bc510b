import { defaultFrameBytes, type ErrorCode, errorCodes, flags, frameTypes, preface, readUint31 } from './http2-codes.js'
import type { Limits } from './limits.js'

/** What comes out of the bytes of a connection. Offsets into chunks, so that nothing is made for a frame. */
export interface FrameSink {
  /** A whole header block. `dependsOnItself`: it carried such a priority, which is an error of the stream. */
  onHeaders(id: number, endStream: boolean, dependsOnItself: boolean, block: Buffer, start: number, end: number): void
  /** A DATA frame begins; `length` with its padding, as flow control counts. Its bytes follow, in any number of pieces. */
  onDataStart(id: number, length: number, endStream: boolean): void
  onData(bytes: Buffer, start: number, end: number): void
  onDataEnd(endStream: boolean): void
  onPriority(id: number, dependsOnItself: boolean): void
  onReset(id: number): void
  onSettings(ack: boolean, payload: Buffer, start: number, end: number): void
  onPing(ack: boolean, payload: Buffer, start: number): void
  onGoAway(): void
  onWindowUpdate(id: number, increment: number): void
  onUnknown(): void
  /** The connection cannot go on. Nothing more is said. */
  onBroken(code: ErrorCode, what: string): void
  onStreamBroken(id: number, code: ErrorCode): void
}

const headBytes = 9
const none = Buffer.alloc(0)

/**
 * Cuts the bytes of a client into frames (RFC 9113 §3.4, §4, §6), and holds all rules that need to know nothing of streams. DATA passes
 * in pieces as it comes; other frames that end in a later chunk are gathered.
 */
export class FrameReader {
  readonly #sink: FrameSink
  readonly #limits: Limits
  #prefaceLeft = preface.length
  /** The head of a frame that is not whole yet. */
  readonly #head = Buffer.alloc(headBytes)
  #headLength = 0
  #type = 0
  #flags = 0
  #id = 0
  /** Bytes of the payload that have not come; -1 between frames. */
  #left = -1
  /** A payload that is not whole yet. */
  #payload = none
  #padding = 0
  #paddingKnown = false
  /** The header block that waits for its CONTINUATION; 0 when there is none. */
  #blockId = 0
  #blockEnds = false
  #blockDependsOnItself = false
  #block: Buffer[] = []
  #blockBytes = 0
  #stopped = false

  constructor(sink: FrameSink, limits: Limits) {
    this.#sink = sink
    this.#limits = limits
  }

  /** A header block has begun and not ended. */
  get inBlock(): boolean {
    return this.#blockId !== 0 || (this.#left > 0 && this.#type === frameTypes.headers)
  }

  stop(): void {
    this.#stopped = true
    this.#block = []
    this.#payload = none
  }

  read(chunk: Buffer): void {
    let at = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : 0
    const { length } = chunk
    while (!this.#stopped) {
      if (this.#left < 0) {
        if (at >= length) return
        at = this.#readHead(chunk, at)
        if (this.#left < 0) continue
      }
      if (this.#type === frameTypes.data) {
        at = this.#readData(chunk, at)
        if (this.#left >= 0) return
      } else {
        const whole = this.#left
        if (this.#payload === none && length - at >= whole) {
          this.#left = -1
          this.#frame(chunk, at, at + whole)
          at += whole
          continue
        }
        if (this.#payload === none) this.#payload = Buffer.allocUnsafe(whole)
        const filled = this.#payload.length - whole
        const copied = chunk.copy(this.#payload, filled, at, Math.min(length, at + whole))
        at += copied
        this.#left = whole - copied
        if (this.#left > 0) return
        const payload = this.#payload
        this.#payload = none
        this.#left = -1
        this.#frame(payload, 0, payload.length)
      }
    }
  }

  #readPreface(chunk: Buffer): number {
    const take = Math.min(this.#prefaceLeft, chunk.length)
    const from = preface.length - this.#prefaceLeft
    if (chunk.compare(preface, from, from + take, 0, take) !== 0) {
      this.#broken(errorCodes.protocolError, 'it does not speak HTTP/2')
      return chunk.length
    }
    this.#prefaceLeft -= take
    return take
  }

  #readHead(chunk: Buffer, from: number): number {
    let head = chunk
    let at = from
    if (this.#headLength > 0 || chunk.length - from < headBytes) {
      const copied = chunk.copy(
        this.#head,
        this.#headLength,
        from,
        Math.min(chunk.length, from + headBytes - this.#headLength),
      )
      this.#headLength += copied
      if (this.#headLength < headBytes) return from + copied
      this.#headLength = 0
      head = this.#head
      at = 0
      this.#begin(head, at)
      return from + copied
    }
    this.#begin(head, at)
    return from + headBytes
  }

  #begin(head: Buffer, at: number) {
    const length = ((head[at] ?? 0) << 16) | ((head[at + 1] ?? 0) << 8) | (head[at + 2] ?? 0)
    this.#type = head[at + 3] ?? 0
    this.#flags = head[at + 4] ?? 0
    this.#id = readUint31(head, at + 5)
    const { protocolError, frameSizeError } = errorCodes
    if (length > defaultFrameBytes) return this.#broken(frameSizeError, 'a frame is larger than allowed')
    if (this.#blockId !== 0 && (this.#type !== frameTypes.continuation || this.#id !== this.#blockId)) {
      return this.#broken(protocolError, 'a header block was interrupted')
    }
    const onStream = this.#id !== 0
    switch (this.#type) {
      case frameTypes.data:
      case frameTypes.headers: {
        if (!onStream) return this.#broken(protocolError, 'DATA or HEADERS without a stream')
        const padded = (this.#flags & flags.padded) !== 0
        const priority = this.#type === frameTypes.headers && (this.#flags & flags.priority) !== 0
        if (length < (padded ? 1 : 0) + (priority ? 5 : 0)) return this.#broken(frameSizeError, 'a frame is too short')
        break
      }
      case frameTypes.priority:
        if (!onStream) return this.#broken(protocolError, 'PRIORITY without a stream')
        break
      case frameTypes.resetStream:
        if (length !== 4) return this.#broken(frameSizeError, 'RST_STREAM has a wrong length')
        if (!onStream) return this.#broken(protocolError, 'RST_STREAM without a stream')
        break
      case frameTypes.settings:
        if (onStream) return this.#broken(protocolError, 'SETTINGS on a stream')
        if (length % 6 !== 0 || ((this.#flags & flags.ack) !== 0 && length !== 0)) {
          return this.#broken(frameSizeError, 'SETTINGS have a wrong length')
        }
        break
      case frameTypes.pushPromise:
        return this.#broken(protocolError, 'PUSH_PROMISE from a client')
      case frameTypes.ping:
        if (length !== 8) return this.#broken(frameSizeError, 'PING has a wrong length')
        if (onStream) return this.#broken(protocolError, 'PING on a stream')
        break
      case frameTypes.goAway:
        if (length < 8) return this.#broken(frameSizeError, 'GOAWAY has a wrong length')
        if (onStream) return this.#broken(protocolError, 'GOAWAY on a stream')
        break
      case frameTypes.windowUpdate:
        if (length !== 4) return this.#broken(frameSizeError, 'WINDOW_UPDATE has a wrong length')
        break
      case frameTypes.continuation:
        if (this.#blockId === 0) return this.#broken(protocolError, 'CONTINUATION of nothing')
        break
      default:
    }
    this.#left = length
    if (this.#type !== frameTypes.data) return
    this.#paddingKnown = (this.#flags & flags.padded) === 0
    this.#padding = 0
    this.#sink.onDataStart(this.#id, length, (this.#flags & flags.endStream) !== 0)
  }

  /** Hands over what is there. {@link #left} is -1 when the frame has ended. */
  #readData(chunk: Buffer, from: number): number {
    let at = from
    if (!this.#paddingKnown) {
      if (at >= chunk.length) return at
      this.#padding = chunk[at++] ?? 0
      this.#left--
      this.#paddingKnown = true
      if (this.#padding > this.#left) {
        this.#broken(errorCodes.protocolError, 'padding is longer than its frame')
        return at
      }
    }
    const data = Math.min(this.#left - this.#padding, chunk.length - at)
    if (data > 0) {
      this.#sink.onData(chunk, at, at + data)
      at += data
      this.#left -= data
    }
    if (this.#left <= this.#padding) {
      const skipped = Math.min(this.#left, chunk.length - at)
      at += skipped
      this.#left -= skipped
      this.#padding = this.#left
    }
    if (this.#left > 0) return at
    this.#left = -1
    if (!this.#stopped) this.#sink.onDataEnd((this.#flags & flags.endStream) !== 0)
    return at
  }

  #frame(bytes: Buffer, start: number, end: number) {
    const sink = this.#sink
    const id = this.#id
    switch (this.#type) {
      case frameTypes.headers:
        return this.#headers(bytes, start, end)
      case frameTypes.continuation:
        return this.#continuation(bytes, start, end)
      case frameTypes.priority:
        if (end - start !== 5) return sink.onStreamBroken(id, errorCodes.frameSizeError)
        return sink.onPriority(id, readUint31(bytes, start) === id)
      case frameTypes.resetStream:
        return sink.onReset(id)
      case frameTypes.settings:
        return sink.onSettings((this.#flags & flags.ack) !== 0, bytes, start, end)
      case frameTypes.ping:
        return sink.onPing((this.#flags & flags.ack) !== 0, bytes, start)
      case frameTypes.goAway:
        return sink.onGoAway()
      case frameTypes.windowUpdate:
        return sink.onWindowUpdate(id, readUint31(bytes, start))
      default:
        sink.onUnknown()
    }
  }

  #headers(bytes: Buffer, from: number, to: number) {
    let start = from
    let end = to
    if ((this.#flags & flags.padded) !== 0) {
      end -= bytes[start++] ?? 0
    }
    let dependsOnItself = false
    if ((this.#flags & flags.priority) !== 0) {
      dependsOnItself = readUint31(bytes, start) === this.#id
      start += 5
    }
    if (end < start) return this.#broken(errorCodes.protocolError, 'padding is longer than its frame')
    const endStream = (this.#flags & flags.endStream) !== 0
    if ((this.#flags & flags.endHeaders) !== 0) {
      this.#sink.onHeaders(this.#id, endStream, dependsOnItself, bytes, start, end)
      return
    }
    this.#blockId = this.#id
    this.#blockEnds = endStream
    this.#blockDependsOnItself = dependsOnItself
    this.#block = [bytes.subarray(start, end)]
    this.#blockBytes = end - start
  }

  #continuation(bytes: Buffer, start: number, end: number) {
    this.#block.push(bytes.subarray(start, end))
    this.#blockBytes += end - start
    if (this.#block.length > this.#limits.continuations + 1 || this.#blockBytes > this.#limits.headerBlockBytes) {
      return this.#broken(errorCodes.enhanceYourCalm, 'a header block is too long')
    }
    if ((this.#flags & flags.endHeaders) === 0) return
    const block = Buffer.concat(this.#block, this.#blockBytes)
    const id = this.#blockId
    this.#block = []
    this.#blockId = 0
    this.#sink.onHeaders(id, this.#blockEnds, this.#blockDependsOnItself, block, 0, block.length)
  }

  #broken(code: ErrorCode, what: string): void {
    this.stop()
    this.#sink.onBroken(code, what)
  }
}
