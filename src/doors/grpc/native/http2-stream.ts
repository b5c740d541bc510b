import { defaultWindow } from './http2-codes.js'
import type { Session } from './session.js'

/** One stream of a connection: its state, and what waits to be sent. What it means is for those who extend it. */
export abstract class Http2Stream {
  readonly session: Session
  readonly id: number
  /** What the peer may send, and what we may. Bytes; ours may be negative after a change of settings (RFC 9113 §6.9.2). */
  receiveWindow = defaultWindow
  sendWindow: number
  /** The peer has said all; we have. */
  remoteEnded: boolean
  localEnded = false
  /** Nothing more comes or goes. */
  closed = false
  /** The head of the answer was sent, or waits behind nothing. */
  answered = false
  /** What waits for room, in order; the first from `queueOffset` on. */
  queue: Uint8Array[] = noQueue
  queueOffset = 0
  queuedBytes = 0
  /** The block that ends the stream behind the queue; an empty one stands for an end without trailers. */
  trailers: Uint8Array | undefined
  /** It is among those that take turns at sending. */
  inTurn = false
  /** Bytes of the body that content-length announced and that have not come; -1 when it said nothing. */
  contentLeft = -1
  /** Bytes that it holds of the allowance of its connection. */
  heldBytes = 0
  /** A handler is at work, perhaps longer than the stream lives. */
  working = false

  constructor(session: Session, id: number, remoteEnded: boolean) {
    this.session = session
    this.id = id
    this.remoteEnded = remoteEnded
    this.sendWindow = session.sender.initialWindow
  }

  /** It is among the streams of its connection. */
  abstract onOpen(): void
  /** Bytes of a body; valid beyond the call. */
  abstract onData(bytes: Buffer, start: number, end: number): void
  /** A DATA frame has ended, and the body has not. */
  abstract onPause(): void
  /** The body has ended. */
  abstract onRemoteEnd(): void
  /** There is room to send again. */
  abstract onRoom(): void
  /** Called once. `byPeer`: before we had said all. */
  abstract onClosed(byPeer: boolean): void
}

/** Shared, never written to: most streams queue nothing. */
const noQueue: Uint8Array[] = []

export function enqueue(stream: Http2Stream, bytes: Uint8Array): void {
  if (stream.queue === noQueue) stream.queue = [bytes]
  else stream.queue.push(bytes)
  stream.queuedBytes += bytes.length
}

export function dropQueue(stream: Http2Stream): void {
  stream.queue = noQueue
  stream.queueOffset = 0
  stream.queuedBytes = 0
}
