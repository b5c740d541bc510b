import type { Socket } from 'node:net'
import { FrameWriter } from './frame-writer.js'
import { responseStart, trailersOk } from './grpc-status.js'
import { defaultFrameBytes, defaultWindow, maxWindow } from './http2-codes.js'
import { dropQueue, enqueue, type Http2Stream } from './http2-stream.js'

/** What may wait in the socket before bodies wait in their streams, where each has its turn. Bytes. */
export const lineBytes = 256 * 1024

/** RFC 7541 §6.3: our table, which we do not use, is of size 0 from now on. */
const tableOfNothing = Buffer.of(0x20)

export interface SenderEvents {
  /** All of a stream was sent. */
  onSent(stream: Http2Stream): void
  /** Something was written, and nobody has said when it shall go. */
  onWritten(): void
}

/**
 * The sending half of a connection: windows (RFC 9113 §5.2, §6.9), and turns. A stream sends a frame at most, and then the next one
 * does, so that a large answer does not hold up the small ones.
 */
export class Sender {
  readonly frames: FrameWriter
  readonly #socket: Socket
  readonly #events: SenderEvents
  /** What streams begin with, as the peer says. */
  initialWindow = defaultWindow
  /** Bytes over all streams. */
  queuedBytes = 0
  /** DATA frames that were sent. */
  dataFrames = 0
  #window = defaultWindow
  #turns: Http2Stream[] = []
  #blocked = false
  #pumping = false
  /** The peer has made its table smaller, and wants to hear that we follow, before the next block (RFC 7541 §4.2). */
  #announceTable = false
  #tableAnnounced = false

  constructor(socket: Socket, events: SenderEvents) {
    this.#socket = socket
    this.#events = events
    this.frames = new FrameWriter(socket)
  }

  /** The line is slow: what has been written before must go first. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** A head with the status of HTTP; for gRPC it is always the same. */
  start(stream: Http2Stream, block: Uint8Array = responseStart): void {
    if (stream.answered) return
    stream.answered = true
    this.#headers(stream.id, block, false)
  }

  /** An answer that is all there is: head, message and status in one go, if the windows and the line have room. */
  answer(stream: Http2Stream, message: Uint8Array): void {
    const length = message.length + 5
    const roomy =
      !this.#blocked &&
      !this.#announceTable &&
      !stream.answered &&
      this.#turns.length === 0 &&
      length <= defaultFrameBytes
    if (roomy && length <= this.#window && length <= stream.sendWindow) {
      stream.answered = true
      this.#window -= length
      this.frames.headers(stream.id, responseStart, false)
      this.dataFrames++
      this.frames.message(stream.id, message)
      this.#finish(stream, trailersOk)
      this.#events.onWritten()
      return
    }
    this.message(stream, message)
    this.end(stream, trailersOk)
  }

  /** A message of gRPC, in its turn. */
  message(stream: Http2Stream, message: Uint8Array): void {
    this.start(stream)
    const length = message.length + 5
    if (
      !this.#blocked &&
      this.#turns.length === 0 &&
      !stream.inTurn &&
      stream.queuedBytes === 0 &&
      length <= defaultFrameBytes
    ) {
      if (length <= this.#window && length <= stream.sendWindow) {
        this.#window -= length
        stream.sendWindow -= length
        this.dataFrames++
        this.frames.message(stream.id, message)
        this.#events.onWritten()
        return
      }
    }
    const framed = Buffer.allocUnsafe(length)
    framed[0] = 0
    framed.writeUInt32BE(message.length, 1)
    framed.set(message, 5)
    this.data(stream, framed)
  }

  /** Bytes of a body, in their turn. */
  data(stream: Http2Stream, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    enqueue(stream, bytes)
    this.queuedBytes += bytes.length
    this.#takeTurn(stream)
    this.pump()
    // Also when nothing could go: somebody must look how much waits.
    this.#events.onWritten()
  }

  /** Ends the stream behind what waits. An empty block is an end without trailers. */
  end(stream: Http2Stream, trailers: Uint8Array): void {
    if (stream.trailers !== undefined || stream.localEnded) return
    if (stream.queuedBytes > 0) stream.trailers = trailers
    else this.#finish(stream, trailers)
    this.#events.onWritten()
  }

  /** Forgets what waits: the stream is gone. */
  drop(stream: Http2Stream): void {
    this.queuedBytes -= stream.queuedBytes
    dropQueue(stream)
    stream.trailers = undefined
  }

  /** A block that is all of the answer, to a stream that we do not keep. */
  refuse(id: number, block: Uint8Array): void {
    this.#headers(id, block, true)
  }

  /** @returns false if the window is too large then */
  widen(increment: number): boolean {
    this.#window += increment
    if (this.#window > maxWindow) return false
    this.pump()
    return true
  }

  /** @returns false if the window is too large then */
  widenStream(stream: Http2Stream, increment: number): boolean {
    stream.sendWindow += increment
    if (stream.sendWindow > maxWindow) return false
    this.#takeTurn(stream)
    this.pump()
    return true
  }

  tableLimit(bytes: number): void {
    if (bytes >= 4096 || this.#tableAnnounced) return
    this.#tableAnnounced = true
    this.#announceTable = true
  }

  /** The line has room again. */
  unblock(): void {
    this.#blocked = false
    this.pump()
  }

  flush(): void {
    this.frames.flush()
    if (this.#socket.writableLength > lineBytes) this.#blocked = true
  }

  /** Sends what may be sent, a frame of each stream in turn. */
  pump(): void {
    // What is told of a stream that has ended may lead back here.
    if (this.#pumping) return
    this.#pumping = true
    let turn = 0
    const turns = this.#turns
    while (turn < turns.length && this.#window > 0 && !this.#blocked) {
      const stream = turns[turn++]
      if (stream === undefined) continue
      stream.inTurn = false
      if (stream.closed || stream.queuedBytes === 0) continue
      this.#sendFrame(stream)
      this.#takeTurn(stream)
      if (this.frames.waiting > lineBytes) this.flush()
    }
    this.#pumping = false
    if (turn > 0) {
      turns.splice(0, turn)
      this.#events.onWritten()
    }
  }

  #takeTurn(stream: Http2Stream): void {
    if (stream.inTurn || stream.queuedBytes === 0 || stream.sendWindow <= 0) return
    stream.inTurn = true
    this.#turns.push(stream)
  }

  #sendFrame(stream: Http2Stream): void {
    const first = stream.queue[0]
    if (first === undefined) return
    const start = stream.queueOffset
    const length = Math.min(first.length - start, stream.sendWindow, this.#window, defaultFrameBytes)
    if (length <= 0) return
    this.#window -= length
    stream.sendWindow -= length
    stream.queuedBytes -= length
    this.queuedBytes -= length
    const done = start + length === first.length
    if (done) {
      stream.queue.shift()
      stream.queueOffset = 0
    } else stream.queueOffset += length
    const last = stream.queuedBytes === 0 && stream.trailers?.length === 0
    if (last) stream.localEnded = true
    this.dataFrames++
    this.frames.data(stream.id, first, start, start + length, last)
    if (stream.queuedBytes > 0 || stream.trailers === undefined) stream.onRoom()
    else if (last) this.#events.onSent(stream)
    else this.#finish(stream, stream.trailers)
  }

  #finish(stream: Http2Stream, trailers: Uint8Array): void {
    stream.localEnded = true
    stream.answered = true
    if (trailers.length > 0) this.#headers(stream.id, trailers, true)
    else this.frames.data(stream.id, trailers, 0, 0, true)
    this.#events.onSent(stream)
  }

  #headers(id: number, block: Uint8Array, endStream: boolean): void {
    if (this.#announceTable) {
      this.#announceTable = false
      this.frames.headers(id, Buffer.concat([tableOfNothing, block]), endStream)
    } else this.frames.headers(id, block, endStream)
    this.#events.onWritten()
  }
}
