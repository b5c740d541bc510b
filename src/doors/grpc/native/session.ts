import { Allowance } from './allowance.js'
import { ClosedStreams, type Ending } from './closed-streams.js'
import type { FrameSink } from './frame-reader.js'
import { failure, statusCodes } from './grpc-status.js'
import type { HeaderField } from './hpack/header-field.js'
import { HpackDecoder } from './hpack/hpack-decoder.js'
import { defaultWindow, type ErrorCode, errorCodes, maxWindow, settingIds } from './http2-codes.js'
import type { Http2Stream } from './http2-stream.js'
import type { Limits } from './limits.js'
import { readSettings } from './read-settings.js'
import { areTrailers, type RequestHead, readRequestHead } from './request-head.js'
import type { Sender } from './sender.js'

export interface SessionOptions {
  readonly limits: Limits
  readonly maxConcurrentStreams: number
  /** Takes a request that is well-formed. It may answer at once. */
  openStream(session: Session, id: number, ended: boolean, head: RequestHead, fields: HeaderField[]): Http2Stream
}

/** What a session tells its connection. */
export interface SessionEvents {
  /** Address and port of the peer, as text; "" when there is none, or no longer. */
  readonly peer: string
  /** Something was written in between reads. */
  onWritten(): void
  onSettings(ack: boolean): void
  onPingAnswered(payload: Buffer, start: number): void
  /** The peer opens nothing more. */
  onGoAway(): void
  /** A stream has gone, and `left` are there. */
  onStreamClosed(left: number): void
  onBroken(code: ErrorCode, what: string): void
}

/** Frames that a peer may have sent on a stream before it knew that we have ended it. */
const framesOnTheWay = 64

const listTooLarge = failure(statusCodes.resourceExhausted, 'the header fields are larger than allowed')

/**
 * What a connection of HTTP/2 is about (RFC 9113): streams and their states, settings, windows of what comes, and everything that a peer
 * may do too often. Knows nothing of sockets and time-outs.
 */
export class Session implements FrameSink {
  readonly sender: Sender
  readonly limits: Limits
  /** When what is read now came. Milliseconds of performance.now(). */
  now: number
  readonly #options: SessionOptions
  readonly #events: SessionEvents
  readonly #hpack = new HpackDecoder()
  readonly #streams = new Map<number, Http2Stream>()
  readonly #closedStreams = new ClosedStreams()
  readonly #resets: Allowance
  readonly #errors: Allowance
  readonly #late: Allowance
  readonly #settings: Allowance
  readonly #pings: Allowance
  readonly #updates: Allowance
  readonly #ignored: Allowance
  readonly #emptyData: Allowance
  #settled = false
  #lastId = 0
  /** Streams beyond it are not taken. */
  #lastTaken = maxWindow
  #settingsAcked = false
  #receiveWindow: number
  /** Streams that are open, and handlers that have outlived theirs. */
  #load = 0
  #held = 0
  /** Frames of ours that have earned their answers. */
  #framesPaid = 0
  #dataStream: Http2Stream | undefined
  /** The DATA frame that comes has had no data yet. */
  #noData = false

  constructor(sender: Sender, options: SessionOptions, events: SessionEvents) {
    const { limits } = options
    const now = performance.now()
    this.sender = sender
    this.limits = limits
    this.now = now
    this.#options = options
    this.#events = events
    this.#resets = new Allowance(limits.resets, now)
    this.#errors = new Allowance(limits.errors, now)
    this.#late = new Allowance(limits.late, now)
    this.#settings = new Allowance(limits.settings, now)
    this.#pings = new Allowance(limits.pings, now)
    this.#updates = new Allowance(limits.updates, now)
    this.#ignored = new Allowance(limits.ignored, now)
    this.#emptyData = new Allowance(limits.emptyData, now)
    this.#receiveWindow = limits.connectionWindow
    const { frames } = sender
    frames.settings([
      [settingIds.maxConcurrentStreams, options.maxConcurrentStreams],
      [settingIds.maxHeaderListSize, limits.headerListBytes],
    ])
    if (limits.connectionWindow > defaultWindow) frames.windowUpdate(0, limits.connectionWindow - defaultWindow)
  }

  get peer(): string {
    return this.#events.peer
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size
  }

  /** Nothing beyond what has come is taken. */
  takeNoMore(): void {
    this.#lastTaken = Math.min(this.#lastTaken, this.#lastId)
    this.sender.frames.goAway(this.#lastTaken, errorCodes.noError)
  }

  /** The last word: an error. */
  sayBroken(code: ErrorCode): void {
    this.sender.frames.goAway(this.#lastId, code)
  }

  /** The connection has gone, or will hear nothing more. */
  closeStreams(): void {
    for (const stream of this.#streams.values()) this.#close(stream, 'resetByPeer')
  }

  /** The sender has sent all of a stream. What the peer still has to say is of no use (§8.1). */
  onSent(stream: Http2Stream) {
    if (stream.remoteEnded) return this.#close(stream, 'ended')
    this.sender.frames.resetStream(stream.id, errorCodes.noError)
    this.#close(stream, 'resetByUs')
  }

  // What streams ask for.

  /** Makes room in the flow of a stream; `target` is what the peer may have on its way. */
  widen(stream: Http2Stream, target: number): void {
    if (stream.closed || stream.remoteEnded || stream.receiveWindow * 2 > target) return
    this.sender.frames.windowUpdate(stream.id, target - stream.receiveWindow)
    stream.receiveWindow = target
    this.#events.onWritten()
  }

  /** @returns false if the connection holds too much already */
  hold(stream: Http2Stream, bytes: number): boolean {
    if (this.#held > 0 && this.#held + bytes > this.limits.heldBytes) return false
    this.#held += bytes
    stream.heldBytes += bytes
    return true
  }

  release(stream: Http2Stream): void {
    this.#held -= stream.heldBytes
    stream.heldBytes = 0
  }

  /** A handler has done with a stream. */
  rest(stream: Http2Stream): void {
    if (!stream.working) return
    stream.working = false
    if (stream.closed) this.#load--
  }

  // Frames.

  onHeaders(id: number, endStream: boolean, dependsOnItself: boolean, block: Buffer, start: number, end: number) {
    if (!this.#isSettled()) return
    if (id % 2 === 0) return this.onBroken(errorCodes.protocolError, 'a stream of a client has an even id')
    const fields: HeaderField[] = []
    const outcome = this.#hpack.decode(block, start, end, fields, this.limits.headerListBytes)
    if (outcome === 'broken') return this.onBroken(errorCodes.compressionError, 'a header block cannot be read')
    this.#pings.earn(1)
    const stream = this.#streams.get(id)
    if (stream !== undefined) {
      if (stream.remoteEnded) return this.#reset(stream, errorCodes.streamClosed)
      const good = endStream && outcome === 'ok' && !dependsOnItself && areTrailers(fields)
      if (!good) return this.#reset(stream, errorCodes.protocolError)
      this.#endRemote(stream)
      return
    }
    if (id <= this.#lastId) return this.#onLateHeaders(id)
    this.#lastId = id
    if (id > this.#lastTaken) return this.#countLate()
    if (dependsOnItself) return this.onStreamBroken(id, errorCodes.protocolError)
    if (outcome === 'tooLarge') return this.#refuse(id, endStream, listTooLarge.trailersOnly)
    const head = readRequestHead(fields)
    if (head === undefined) return this.onStreamBroken(id, errorCodes.protocolError)
    if (this.#load >= this.#options.maxConcurrentStreams) return this.#refuseLoad(id)
    this.#open(id, endStream, head, fields)
  }

  onDataStart(id: number, length: number, endStream: boolean) {
    this.#dataStream = undefined
    if (!this.#isSettled()) return
    this.#receiveWindow -= length
    if (this.#receiveWindow < 0) {
      return this.onBroken(errorCodes.flowControlError, 'more data than the window of the connection allows')
    }
    const { connectionWindow } = this.limits
    // Memory is bounded for each stream, and by what is held: the connection as such never waits.
    if (this.#receiveWindow * 2 <= connectionWindow) {
      this.sender.frames.windowUpdate(0, connectionWindow - this.#receiveWindow)
      this.#receiveWindow = connectionWindow
    }
    this.#noData = !endStream
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#onLateData(id)
    if (stream.remoteEnded) return this.#reset(stream, errorCodes.streamClosed)
    stream.receiveWindow -= length
    if (stream.receiveWindow < 0) return this.#reset(stream, errorCodes.flowControlError)
    if (length > 0) this.#pings.earn(1)
    this.#dataStream = stream
  }

  onData(bytes: Buffer, start: number, end: number) {
    const stream = this.#dataStream
    this.#noData = false
    if (stream === undefined || stream.closed) return
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= end - start
      if (stream.contentLeft < 0) return this.#reset(stream, errorCodes.protocolError)
    }
    stream.onData(bytes, start, end)
  }

  onDataEnd(endStream: boolean): void {
    const stream = this.#dataStream
    this.#dataStream = undefined
    if (this.#noData && !this.#emptyData.take(this.now)) this.#tooMuch('empty DATA frames')
    // Which may have ended it all.
    if (stream === undefined || stream.closed) return
    if (endStream) this.#endRemote(stream)
    else stream.onPause()
  }

  onPriority(id: number, dependsOnItself: boolean) {
    if (!this.#isSettled()) return
    if (!this.#ignored.take(this.now)) return this.#tooMuch('PRIORITY frames')
    if (dependsOnItself) this.onStreamBroken(id, errorCodes.protocolError)
  }

  onReset(id: number): void {
    if (!this.#isSettled()) return
    const stream = this.#streams.get(id)
    if (stream === undefined) {
      if (id > this.#lastId || id % 2 === 0)
        this.onBroken(errorCodes.protocolError, 'RST_STREAM of a stream that never was')
      else {
        this.#payForFrames()
        if (!this.#updates.take(this.now)) this.#tooMuch('RST_STREAM frames')
      }
      return
    }
    const early = !stream.answered
    this.#close(stream, 'resetByPeer')
    if (early && !this.#resets.take(this.now)) this.#tooMuch('streams that are reset before they are answered')
  }

  onSettings(ack: boolean, payload: Buffer, start: number, end: number) {
    if (!this.#settings.take(this.now)) return this.#tooMuch('SETTINGS frames')
    if (ack) {
      if (!this.#isSettled()) return
      this.#settingsAcked = true
      this.#events.onSettings(true)
      return
    }
    const settings = readSettings(payload, start, end)
    if (!settings.ok) return this.onBroken(settings.code, 'SETTINGS have a value that is not allowed')
    this.#settled = true
    this.#events.onSettings(false)
    const { sender } = this
    // Before anything that follows from it.
    sender.frames.settingsAck()
    if (settings.headerTableSize !== undefined) sender.tableLimit(settings.headerTableSize)
    if (settings.initialWindowSize !== undefined) {
      const change = settings.initialWindowSize - sender.initialWindow
      sender.initialWindow = settings.initialWindowSize
      for (const stream of this.#streams.values()) {
        if (!sender.widenStream(stream, change)) {
          return this.onBroken(errorCodes.flowControlError, 'the window of a stream is too large')
        }
      }
    }
  }

  onPing(ack: boolean, payload: Buffer, start: number) {
    if (!this.#isSettled()) return
    this.#payForFrames()
    if (!this.#pings.take(this.now)) return this.#tooMuch('PING frames')
    if (ack) this.#events.onPingAnswered(payload, start)
    else this.sender.frames.ping(true, payload, start)
  }

  onGoAway() {
    if (!this.#isSettled()) return
    if (!this.#ignored.take(this.now)) return this.#tooMuch('GOAWAY frames')
    this.#events.onGoAway()
  }

  onWindowUpdate(id: number, increment: number) {
    if (!this.#isSettled()) return
    this.#payForFrames()
    if (!this.#updates.take(this.now)) return this.#tooMuch('WINDOW_UPDATE frames')
    const { protocolError, flowControlError } = errorCodes
    if (id === 0) {
      if (increment === 0) return this.onBroken(protocolError, 'WINDOW_UPDATE of nothing')
      if (!this.sender.widen(increment)) this.onBroken(flowControlError, 'the window of the connection is too large')
      return
    }
    const stream = this.#streams.get(id)
    if (stream === undefined) {
      if (id > this.#lastId || id % 2 === 0) this.onBroken(protocolError, 'WINDOW_UPDATE of a stream that never was')
    } else if (increment === 0) this.#reset(stream, protocolError)
    else if (!this.sender.widenStream(stream, increment)) this.#reset(stream, flowControlError)
  }

  onUnknown(): void {
    if (!this.#isSettled()) return
    if (!this.#ignored.take(this.now)) this.#tooMuch('frames of unknown types')
  }

  onBroken(code: ErrorCode, what: string): void {
    this.#events.onBroken(code, what)
  }

  /** An error of a stream that may not be there. */
  onStreamBroken(id: number, code: ErrorCode) {
    const stream = this.#streams.get(id)
    if (stream !== undefined) return this.#reset(stream, code)
    // RST_STREAM must not speak of streams that never were (§6.4).
    if (id > this.#lastId || id % 2 === 0) return this.onBroken(code, 'an error of a stream that never was')
    this.sender.frames.resetStream(id, code)
    this.#closedStreams.add(id, 'resetByUs')
    this.#payForEnd()
    this.#countError()
  }

  #isSettled(): boolean {
    if (this.#settled) return true
    this.onBroken(errorCodes.protocolError, 'SETTINGS must come first')
    return false
  }

  #open(id: number, ended: boolean, head: RequestHead, fields: HeaderField[]) {
    const { contentLength } = head
    if (ended && contentLength > 0) return this.onStreamBroken(id, errorCodes.protocolError)
    this.#load++
    const stream = this.#options.openStream(this, id, ended, head, fields)
    // A stream that was refused at once has gone again.
    if (stream.closed) return
    stream.contentLeft = contentLength
    this.#streams.set(id, stream)
    stream.onOpen()
    if (ended && !stream.closed) stream.onRemoteEnd()
  }

  #onLateHeaders(id: number) {
    const ending = this.#closedStreams.endingOf(id)
    // What was on its way when we reset it counts for the table, which has seen it, and for nothing else.
    if (ending === 'resetByUs') return this.#countLate()
    if (ending === 'resetByPeer') return this.onStreamBroken(id, errorCodes.streamClosed)
    if (ending === 'ended') return this.onBroken(errorCodes.streamClosed, 'HEADERS on a stream that has ended')
    if (id > this.#lastTaken) return this.#countLate()
    this.onBroken(errorCodes.protocolError, 'ids of streams must grow')
  }

  #onLateData(id: number) {
    if (id > this.#lastId || id % 2 === 0)
      return this.onBroken(errorCodes.protocolError, 'DATA on a stream that never was')
    if (id > this.#lastTaken) return this.#countLate()
    const ending = this.#closedStreams.endingOf(id)
    if (ending === 'resetByUs') return this.#countLate()
    if (ending === 'ended') return this.onBroken(errorCodes.streamClosed, 'DATA on a stream that has ended')
    this.onStreamBroken(id, errorCodes.streamClosed)
  }

  #refuse(id: number, ended: boolean, block: Buffer): void {
    this.sender.refuse(id, block)
    if (!ended) this.sender.frames.resetStream(id, errorCodes.noError)
    this.#closedStreams.add(id, ended ? 'ended' : 'resetByUs')
    this.#payForEnd()
    this.#countError()
  }

  #refuseLoad(id: number): void {
    this.sender.frames.resetStream(id, errorCodes.refusedStream)
    this.#closedStreams.add(id, 'resetByUs')
    this.#payForEnd()
    // Before it knew our settings a peer could not know better; nor can it see handlers that outlive the streams that it has reset.
    if (this.#settingsAcked && this.#streams.size >= this.#options.maxConcurrentStreams) this.#countError()
    else if (!this.#resets.take(this.now)) this.#tooMuch('streams that are reset before they are answered')
  }

  #endRemote(stream: Http2Stream) {
    if (stream.contentLeft > 0) return this.#reset(stream, errorCodes.protocolError)
    stream.remoteEnded = true
    stream.onRemoteEnd()
  }

  /** The peer has made a mistake. */
  #reset(stream: Http2Stream, code: ErrorCode): void {
    this.sender.frames.resetStream(stream.id, code)
    this.#close(stream, 'resetByUs')
    this.#countError()
  }

  #countError(): void {
    if (!this.#errors.take(this.now)) this.#tooMuch('streams that end in an error')
  }

  #countLate(): void {
    if (!this.#late.take(this.now)) this.#tooMuch('frames on streams that have ended')
  }

  #close(stream: Http2Stream, ending: Ending): void {
    if (stream.closed) return
    const byPeer = !stream.localEnded
    stream.closed = true
    if (ending === 'ended') this.#resets.earn(1)
    else if (ending === 'resetByUs') this.#payForEnd()
    if (!stream.working) this.#load--
    this.#streams.delete(stream.id)
    this.#closedStreams.add(stream.id, ending)
    this.sender.drop(stream)
    this.release(stream)
    stream.onClosed(byPeer)
    this.#events.onStreamClosed(this.#streams.size)
  }

  /** What we send brings updates of windows, and pings of those who measure the line by it. */
  #payForFrames(): void {
    const sent = this.sender.dataFrames - this.#framesPaid
    this.#framesPaid += sent
    this.#updates.earn(2 * sent)
    this.#pings.earn(sent)
  }

  /** The peer did not know that we have ended a stream: what it still sent there, and that it gave up on it, is no fault. */
  #payForEnd(): void {
    this.#late.earn(framesOnTheWay)
    this.#updates.earn(2)
  }

  #tooMuch(what: string): void {
    this.onBroken(errorCodes.enhanceYourCalm, what)
  }
}
