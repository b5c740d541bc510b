import type { Socket } from 'node:net'
import { FrameReader } from './frame-reader.js'
import { type ErrorCode, errorCodes, maxWindow } from './http2-codes.js'
import type { Limits } from './limits.js'
import { LoopTurn } from './loop-turn.js'
import { lineBytes, Sender } from './sender.js'
import { Session, type SessionEvents, type SessionOptions } from './session.js'

export interface ConnectionOptions extends SessionOptions {
  onClosed(connection: Connection): void
  /** A peer went beyond what is bearable, or we have a bug. Holds nothing of a request. */
  onTrouble(what: string): void
}

type Phase =
  /** Nothing is settled before the first SETTINGS of the peer. */
  | 'opening'
  | 'open'
  /** The peer was told to open nothing more, and may not know yet; then nothing more is taken. */
  | 'leaving'
  | 'left'
  /** Nothing is read any more: what was written leaves, and that was it. `broken`: in a hurry. */
  | 'ending'
  | 'broken'
  | 'closed'

/** How long a peer may take to hear that it should go, and to go. Milliseconds. */
const farewellMs = 1000

const drainPing = Buffer.from('draining')
const alivePing = Buffer.from('alive?  ')

/** All connections have it in common. */
const turn = new LoopTurn()

/**
 * The server's side of a connection of HTTP/2, between its socket and its {@link Session}: when to read, when to write, and when to
 * end. What comes in one chunk is answered in one write, and what comes late in a long turn of the event loop when that is over.
 */
export class Connection implements SessionEvents {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #limits: Limits
  readonly #peer: string
  readonly #sender: Sender
  readonly #session: Session
  readonly #reader: FrameReader
  #phase: Phase = 'opening'
  /** When the phase began. */
  #since = performance.now()
  #settingsAcked = false
  #reading = false
  #flushing = false
  /** What is written waits for the end of a long turn. */
  #holding = false
  /** Since when the line takes nothing, and a header block has not ended; 0 when that is not so. */
  #stalledSince = 0
  #blockSince = 0
  /** When something came last, and when we asked whether more may come; 0 when we have not. */
  #heardAt = this.#since
  #askedAt = 0

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#limits = options.limits
    this.#peer = socket.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort ?? ''}`
    this.#sender = new Sender(socket, {
      onSent: stream => this.#session.onSent(stream),
      onWritten: () => this.onWritten(),
    })
    this.#session = new Session(this.#sender, options, this)
    this.#reader = new FrameReader(this.#session, options.limits)
    socket.on('data', chunk => this.#onChunk(chunk))
    socket.on('drain', () => this.#onDrain())
    // A peer that has closed its half will not hear more than what is on its way.
    socket.on('end', () => this.destroy())
    socket.on('close', () => this.#onSocketClose())
    this.#flush()
  }

  get peer(): string {
    return this.#phase === 'closed' ? '' : this.#peer
  }

  /** Two steps, so that nothing that is on its way is lost (§6.8): first a word, and when that was heard, the last id that counts. */
  leave(): void {
    if (this.#phase !== 'open' && this.#phase !== 'opening') return
    this.#enter('leaving')
    this.#sender.frames.goAway(maxWindow, errorCodes.noError)
    this.#sender.frames.ping(false, drainPing, 0)
    this.#flush()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#onSocketClose()
  }

  /** Looks at the clock; to be called about once a second. @param now as performance.now() says */
  watch(now: number) {
    const { handshakeMs, stallMs } = this.#limits
    const age = now - this.#since
    if (this.#stalledSince !== 0 && now - this.#stalledSince > stallMs) return this.destroy()
    switch (this.#phase) {
      case 'opening':
        if (age > handshakeMs) this.#break(errorCodes.settingsTimeout)
        break
      case 'open':
        if (!this.#settingsAcked && age > handshakeMs) this.#break(errorCodes.settingsTimeout)
        else {
          this.#watchBlock(now)
          this.#watchPeer(now)
        }
        break
      case 'leaving':
        if (age > farewellMs) this.#leaveForGood()
        break
      case 'left':
        this.#watchBlock(now)
        this.#watchPeer(now)
        break
      case 'ending':
        if (age > (this.#socket.writableLength > 0 ? stallMs : farewellMs)) this.destroy()
        break
      case 'broken':
        if (age > farewellMs) this.destroy()
        break
      case 'closed':
    }
  }

  #watchBlock(now: number): void {
    if (!this.#reader.inBlock) this.#blockSince = 0
    else if (this.#blockSince === 0) this.#blockSince = now
    else if (now - this.#blockSince > this.#limits.handshakeMs) {
      this.onBroken(errorCodes.enhanceYourCalm, 'a header block that does not end')
    }
  }

  /** Peers that vanish without a word, behind a network that does not tell, must not be kept for ever. */
  #watchPeer(now: number): void {
    const { keepAliveMs, keepAliveAnswerMs } = this.#limits
    // Who does not read is not read either, and has a time-out of its own.
    if (this.#stalledSince !== 0) return
    if (this.#askedAt > this.#heardAt) {
      if (now - this.#askedAt > keepAliveAnswerMs) this.destroy()
      return
    }
    if (now - this.#heardAt <= keepAliveMs) return
    this.#askedAt = now
    this.#sender.frames.ping(false, alivePing, 0)
    this.#flush()
  }

  // What the session tells.

  onWritten(): void {
    // What would make more answers is not read; the flush that follows ends the connection.
    if (this.#reading && this.#sender.queuedBytes > this.#limits.queuedBytes) this.#reader.stop()
    if (this.#reading || this.#flushing) return
    this.#flushing = true
    queueMicrotask(this.#flush)
  }

  onSettings(ack: boolean): void {
    if (ack) this.#settingsAcked = true
    else if (this.#phase === 'opening') this.#enter('open')
  }

  onPingAnswered(payload: Buffer, start: number): void {
    const heard = payload.compare(drainPing, 0, drainPing.length, start, start + drainPing.length) === 0
    if (heard && this.#phase === 'leaving') this.#leaveForGood()
  }

  onGoAway(): void {
    if (this.#phase === 'open' || this.#phase === 'leaving') this.#leaveForGood()
  }

  onStreamClosed(left: number): void {
    if (this.#phase === 'left' && left === 0) this.#end()
  }

  onBroken(code: ErrorCode, what: string): void {
    if (code === errorCodes.enhanceYourCalm) this.#options.onTrouble(what)
    this.#break(code)
  }

  // How it ends.

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#since = performance.now()
  }

  #leaveForGood(): void {
    this.#enter('left')
    this.#session.takeNoMore()
    this.onWritten()
    if (this.#session.streams === 0) this.#end()
  }

  #end(): void {
    this.#enter('ending')
    this.#reader.stop()
    this.#sender.flush()
    this.#socket.end()
  }

  /** An error of the connection (§5.4.1): it is said, and all ends. */
  #break(code: ErrorCode): void {
    if (this.#phase === 'broken' || this.#phase === 'ending' || this.#phase === 'closed') return
    this.#reader.stop()
    this.#session.sayBroken(code)
    this.#enter('broken')
    this.#sender.flush()
    // What still comes is thrown away: a socket that is closed over unread bytes takes our last word back.
    this.#socket.end()
    this.#session.closeStreams()
  }

  // The socket.

  #onChunk(chunk: Buffer) {
    this.#heardAt = performance.now()
    this.#session.now = this.#heardAt
    this.#reading = true
    try {
      this.#reader.read(chunk)
    } catch (error) {
      this.#options.onTrouble(`an error of our own (${error instanceof Error ? error.name : typeof error})`)
      this.#break(errorCodes.internalError)
    }
    this.#reading = false
    if (turn.isLong(this.#heardAt) && this.#sender.frames.waiting <= lineBytes) this.#hold()
    else this.#letGo()
  }

  /** A peer that asks for more than that in one turn, and a line that is slow, hold up themselves only. */
  #hold(): void {
    if (this.#holding || this.#phase === 'closed') return
    this.#holding = true
    this.#socket.cork()
    turn.atEnd(this.#letGo)
  }

  readonly #letGo = (): void => {
    if (this.#holding) {
      this.#holding = false
      if (this.#phase === 'closed') return
      this.#sender.frames.flush()
      this.#socket.uncork()
    }
    this.#flush()
  }

  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#phase === 'closed' || this.#holding) return
    this.#sender.flush()
    if (this.#sender.queuedBytes > this.#limits.queuedBytes) {
      this.#options.onTrouble('a peer that does not read what it asked for')
      this.destroy()
      return
    }
    if (!this.#sender.blocked || this.#stalledSince !== 0) return
    // Who does not read is not read: nothing that wants an answer comes in.
    this.#stalledSince = performance.now()
    this.#socket.pause()
  }

  #onDrain(): void {
    this.#stalledSince = 0
    this.#heardAt = performance.now()
    if (this.#phase === 'closed') return
    this.#sender.unblock()
    this.#socket.resume()
    this.#flush()
  }

  #onSocketClose(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#reader.stop()
    this.#session.closeStreams()
    this.#options.onClosed(this)
  }
}
