import type { BidiReceiver, BidiStream, CallContext } from '../grpc-transport.js'
import { failures, messageFailures } from './grpc-failures.js'
import type { GrpcMethod, GrpcServer } from './grpc-server.js'
import { type Failure, trailersOk } from './grpc-status.js'
import type { HeaderField } from './hpack/header-field.js'
import { defaultWindow, readUint32 } from './http2-codes.js'
import { Http2Stream } from './http2-stream.js'
import { MessageReader, prefixBytes, prefixProblem } from './message-reader.js'
import type { Session } from './session.js'

/** Bytes that may wait to leave before a sender is told to wait. */
const sendAhead = 256 * 1024

/** Not worth a copy. */
const spareBytes = 8192

/** setTimeout takes no more than this. Milliseconds. */
const longestTimer = 0x7fffffff

/**
 * One call of gRPC, of any kind: the stream, what the handler may know of it, and what it may do with it are one object, so that a call
 * that is answered at once leaves little behind.
 */
export class GrpcCall extends Http2Stream implements CallContext, BidiStream {
  readonly deadline: number | undefined
  readonly #server: GrpcServer
  readonly #method: GrpcMethod
  readonly #fields: readonly HeaderField[]
  #message: Buffer | undefined
  #reader: MessageReader | undefined
  #receiver: BidiReceiver | undefined
  /** The handler has a message that it has not dealt with. */
  #busy = false
  /** Bytes that came while it was busy. */
  #held: Buffer | undefined
  #heldEnd = 0
  #endTold = false
  /** The handler has ended, or the call has failed: nothing more is sent or handed over. */
  #ended = false
  #gone = false
  /** It is among the calls that a drain waits for, for as long as the stream lives. */
  #counted = false
  /** It failed within a frame, and says so when that has ended. */
  #failure: Failure | undefined
  #timer: NodeJS.Timeout | undefined
  #listeners: (() => void)[] | undefined
  #sleepers: (() => void)[] | undefined

  /** @param timeoutMs until the caller stops waiting */
  constructor(
    session: Session,
    id: number,
    remoteEnded: boolean,
    fields: readonly HeaderField[],
    timeoutMs: number | undefined,
    method: GrpcMethod,
    server: GrpcServer,
  ) {
    super(session, id, remoteEnded)
    this.#fields = fields
    this.#method = method
    this.#server = server
    this.deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs
  }

  // What a handler may know.

  get peer(): string {
    return this.session.peer
  }

  cancelled(): boolean {
    return this.#gone
  }

  metadata(name: string): string | undefined {
    if (name.startsWith(':') || name.endsWith('-bin')) return undefined
    for (const field of this.#fields) if (field.name === name) return field.value
    return undefined
  }

  // What it may do.

  send(message: Uint8Array): undefined | Promise<void> {
    if (this.#ended || this.closed) return undefined
    this.session.sender.message(this, message)
    if (this.queuedBytes <= sendAhead) return undefined
    return new Promise(resolve => {
      this.#sleepers ??= []
      this.#sleepers.push(resolve)
    })
  }

  end(): void {
    if (this.#ended || this.closed) return
    this.#ended = true
    const { sender } = this.session
    sender.start(this)
    sender.end(this, trailersOk)
  }

  onClose(listener: () => void): void {
    if (this.closed) listener()
    else if (this.#listeners === undefined) this.#listeners = [listener]
    else this.#listeners.push(listener)
  }

  // What the stream tells.

  /** Streams in both directions begin before anything is said. */
  onOpen(): void {
    if (this.#method.kind !== 'bidi') return
    this.#counted = true
    this.#server.calls.enter()
    this.#startTimer()
    try {
      this.#receiver = this.#method.handler(this, this)
    } catch {
      this.fail(failures.handler)
    }
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#ended || this.#failure !== undefined) return
    this.#read(bytes, start, end)
  }

  onPause() {
    if (this.#failure !== undefined) return this.fail(this.#failure)
    // A message that waits must not keep all bytes that came with it.
    if (this.#message !== undefined && this.#message.buffer.byteLength > 2 * this.#message.length + spareBytes) {
      this.#message = Buffer.from(this.#message)
    }
    this.#widen()
  }

  onRemoteEnd() {
    if (this.#ended) return
    if (this.#failure !== undefined) return this.fail(this.#failure)
    if (this.#method.kind === 'bidi') return this.#tellEnd()
    const message = this.#message
    this.#message = undefined
    if (this.#reader?.begun) return this.fail(failures.partOfMessage)
    if (message === undefined) return this.fail(failures.noMessage)
    this.session.release(this)
    if (this.#method.kind === 'unary') this.#answer(this.#method.handler, message)
    else this.#stream(this.#method.handler, message)
  }

  onRoom(): void {
    if (this.#sleepers !== undefined && this.queuedBytes <= sendAhead) this.#wake()
  }

  onClosed(byPeer: boolean): void {
    this.#ended = true
    if (byPeer) this.#gone = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    this.#reader = undefined
    this.#held = undefined
    this.#message = undefined
    this.#wake()
    if (this.#counted) this.#server.calls.leave()
    const listeners = this.#listeners
    if (listeners === undefined) return
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }

  // Messages that come.

  #read(bytes: Buffer, start: number, end: number) {
    let at = start
    while (at < end) {
      if (this.#ended || this.#failure !== undefined) return
      if (this.#busy) return this.#hold(bytes, at, end)
      const whole = this.#reader?.begun !== true && end - at >= prefixBytes
      const length = whole ? readUint32(bytes, at + 1) : 0
      if (whole && end - at - prefixBytes >= length) {
        const problem = prefixProblem(bytes, at, this.#server.maxReceiveBytes)
        if (problem !== undefined) {
          this.#failure = messageFailures[problem]
          return
        }
        const from = at + prefixBytes
        at = from + length
        // A message that waits for the end of its call is held, as one that comes in pieces is.
        if (this.#method.kind !== 'bidi' && !this.session.hold(this, length)) {
          this.#failure = messageFailures.tooMuchHeld
          return
        }
        this.#take(bytes.subarray(from, at))
        continue
      }
      this.#reader ??= new MessageReader(this.#server.maxReceiveBytes, size => this.session.hold(this, size))
      at = this.#reader.read(bytes, at, end)
      const { problem } = this.#reader
      if (problem !== undefined) {
        this.#failure = messageFailures[problem]
        return
      }
      const message = this.#reader.take()
      if (message === undefined) continue
      if (this.#method.kind === 'bidi') this.session.release(this)
      this.#take(message)
    }
  }

  #take(message: Buffer): void {
    if (this.#method.kind !== 'bidi') {
      if (this.#message === undefined) this.#message = message
      else this.#failure = failures.secondMessage
      return
    }
    try {
      const busy = this.#receiver?.onMessage(message)
      if (busy === undefined) return
      this.#busy = true
      busy.then(
        () => this.#resume(),
        () => this.fail(failures.handler),
      )
    } catch {
      this.#failure = failures.handler
    }
  }

  /** Keeps what came in one piece of its own, however small the pieces were in which it came. The window bounds it. */
  #hold(bytes: Buffer, start: number, end: number): void {
    const needed = this.#heldEnd + end - start
    if (this.#held === undefined || this.#held.length < needed) {
      const room = Math.max(needed, (this.#held?.length ?? 0) * 2, 1024)
      if (!this.session.hold(this, room - (this.#held?.length ?? 0))) {
        this.#failure = messageFailures.tooMuchHeld
        return
      }
      const held = Buffer.allocUnsafeSlow(room)
      this.#held?.copy(held, 0, 0, this.#heldEnd)
      this.#held = held
    }
    bytes.copy(this.#held, this.#heldEnd, start, end)
    this.#heldEnd = needed
  }

  #resume() {
    this.#busy = false
    if (this.closed || this.#ended) return
    const held = this.#held
    if (held !== undefined) {
      const end = this.#heldEnd
      this.#held = undefined
      this.#heldEnd = 0
      if (this.#reader?.begun !== true) this.session.release(this)
      this.#read(held, 0, end)
    }
    if (this.#failure !== undefined) return this.fail(this.#failure)
    if (this.remoteEnded) this.#tellEnd()
    else this.#widen()
  }

  #tellEnd() {
    if (this.#busy || this.#endTold || this.#ended) return
    this.#endTold = true
    if (this.#reader?.begun) return this.fail(failures.partOfMessage)
    try {
      this.#receiver?.onEnd()
    } catch {
      this.fail(failures.handler)
    }
  }

  /** A caller whose message is awaited may go on; a large message gets a wide window. */
  #widen(): void {
    if (this.#busy || this.#ended) return
    const missing = this.#reader?.missing ?? 0
    const { messageWindow } = this.session.limits
    this.session.widen(this, Math.max(defaultWindow, Math.min(missing, messageWindow)))
  }

  // Handlers.

  #answer(handler: (message: Buffer, context: CallContext) => Uint8Array | Promise<Uint8Array>, message: Buffer): void {
    const { calls } = this.#server
    try {
      const result = handler(message, this)
      if (result instanceof Uint8Array) {
        this.#ended = true
        this.session.sender.answer(this, result)
        return
      }
      calls.enter()
      this.working = true
      this.#startTimer()
      const done = () => {
        this.session.rest(this)
        calls.leave()
      }
      result.then(
        bytes => {
          if (!this.#ended && !this.closed) {
            this.#ended = true
            this.session.sender.answer(this, bytes)
          }
          done()
        },
        () => {
          this.fail(failures.handler)
          done()
        },
      )
    } catch {
      this.fail(failures.handler)
    }
  }

  #stream(handler: (message: Buffer, context: CallContext, stream: GrpcCall) => void, message: Buffer): void {
    this.#startTimer()
    try {
      handler(message, this, this)
    } catch {
      this.fail(failures.handler)
    }
  }

  #startTimer(): void {
    if (this.deadline === undefined || this.closed) return
    const left = this.deadline - Date.now()
    if (left > longestTimer) return
    this.#timer = setTimeout(() => {
      this.#gone = true
      // Nobody waits for what waits.
      this.session.sender.drop(this)
      this.#wake()
      this.fail(failures.deadline)
    }, left)
  }

  /** Ends the call with an error, behind what was sent; unless it has ended. */
  fail(failure: Failure): void {
    if (this.#ended || this.closed) return
    this.#ended = true
    this.session.sender.end(this, this.answered ? failure.trailers : failure.trailersOnly)
  }

  #wake(): void {
    const sleepers = this.#sleepers
    if (sleepers === undefined) return
    this.#sleepers = undefined
    for (const go of sleepers) go()
  }
}
