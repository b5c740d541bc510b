import { readStreamEvent, type StreamEvent } from './stream-event.js'

export interface EventStreamLimits {
  /** Bytes of one event with all its fields; default 16 MiB. */
  readonly maxEventBytes?: number
  /** Lines of one event; default 16,384. Each costs far more than its bytes. */
  readonly maxEventLines?: number
}

export const defaultMaxEventBytes = 16 * 1024 * 1024
export const defaultMaxEventLines = 16_384

/** What is wrong with a stream. */
export type EventStreamProblem = 'event_too_large'

export type EventStreamRead =
  | { readonly ok: true; readonly events: readonly StreamEvent[] }
  | {
      readonly ok: false
      readonly problem: EventStreamProblem
      /** Those that ended before the fault. */
      readonly events: readonly StreamEvent[]
    }

const lf = 0x0a
const cr = 0x0d
const mark = Uint8Array.of(0xef, 0xbb, 0xbf)
const nothing = Buffer.alloc(0)

/**
 * Reads an event stream (WHATWG HTML, server-sent events) chunk by chunk, wherever the chunks are cut, and gives it back in
 * pieces that hold whole events. It works on bytes, which no cut within a character can disturb. An event is given as soon
 * as its blank line is there; comments and blank lines between events go on at once, so that a stream of nothing but
 * keep-alives neither waits nor adds up. It holds no more than the event that has not ended: at most the limit and a chunk.
 *
 * Pieces share memory with the chunks: whoever reuses a chunk must copy it first.
 */
export class EventStreamReader {
  readonly #maxEventBytes: number
  readonly #maxEventLines: number
  /** Whatever has been read of the event that has not ended; only the first `#length` bytes count. */
  #pending: Buffer = nothing
  #length = 0
  /** In `#pending`: where the line begins that has not ended. */
  #lineStart = 0
  /** The pending event has a line that is no comment. */
  #hasField = false
  /** Of the pending event. */
  #lines = 0
  /** Nothing but, perhaps, a part of a byte order mark has been read. */
  #atStart = true
  /** The last piece ended with a carriage return, of which a line feed may be the other half. */
  #afterReturn = false
  #problem: EventStreamProblem | undefined

  constructor({ maxEventBytes = defaultMaxEventBytes, maxEventLines = defaultMaxEventLines }: EventStreamLimits = {}) {
    this.#maxEventBytes = maxEventBytes
    this.#maxEventLines = maxEventLines
  }

  /** Bytes that are kept of the event that has not ended. */
  get held(): number {
    return this.#pending.length
  }

  /** After a failure every further read fails. */
  read(chunk: Uint8Array): EventStreamRead {
    if (this.#problem !== undefined) return { ok: false, problem: this.#problem, events: [] }
    if (chunk.length === 0) return { ok: true, events: [] }
    const scanned = this.#length
    const text = this.#append(chunk)
    const events: StreamEvent[] = []
    let pieceStart = 0
    if (this.#atStart) {
      const marked = startsLikeMark(text)
      if (marked && text.length < mark.length) return this.#keep(text, 0, events)
      this.#atStart = false
      if (marked) this.#lineStart = mark.length
    }
    if (this.#afterReturn) {
      this.#afterReturn = false
      if (text[0] === lf) this.#lineStart = 1
    }
    const lineEnds = new LineEnds(text, scanned)
    for (;;) {
      const end = lineEnds.from(Math.max(scanned, this.#lineStart))
      if (end < 0) break
      const start = this.#lineStart
      this.#lineStart = text[end] === cr && text[end + 1] === lf ? end + 2 : end + 1
      if (end === start) {
        // A line feed may only be the other half of the carriage return that ended the chunk before.
        if (end > 0 && end === scanned && text[end] === lf && text[end - 1] === cr) continue
        if (!this.#hasField) continue
        if (this.#lineStart - pieceStart > this.#maxEventBytes) return this.#fail(events)
        events.push(readStreamEvent(text.subarray(pieceStart, this.#lineStart), true))
        pieceStart = this.#lineStart
        this.#hasField = false
        this.#lines = 0
      } else if (!this.#hasField && text[start] !== 0x3a) {
        this.#hasField = true
        this.#lines = 1
        if (start > pieceStart) events.push(inert(text.subarray(pieceStart, start)))
        pieceStart = start
      } else if (this.#hasField && ++this.#lines > this.#maxEventLines) return this.#fail(events)
    }
    if (!this.#hasField && this.#lineStart > pieceStart) {
      events.push(inert(text.subarray(pieceStart, this.#lineStart)))
      pieceStart = this.#lineStart
    }
    this.#afterReturn = pieceStart === text.length && text[text.length - 1] === cr
    return this.#keep(text, pieceStart, events)
  }

  /** What was left when the stream ended: an event that no blank line ended, or undefined. */
  end(): StreamEvent | undefined {
    const rest = this.#pending.subarray(0, this.#length)
    this.#forget()
    if (rest.length === 0 || this.#problem !== undefined) return undefined
    return readStreamEvent(rest, false)
  }

  /** What is pending and the chunk as one. */
  #append(chunk: Uint8Array): Buffer {
    if (this.#length === 0) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const length = this.#length + chunk.length
    if (length > this.#pending.length) {
      // Doubling keeps it linear however small the chunks are.
      const larger = Buffer.allocUnsafe(Math.max(length, this.#pending.length * 2))
      this.#pending.copy(larger, 0, 0, this.#length)
      this.#pending = larger
    }
    this.#pending.set(chunk, this.#length)
    this.#length = length
    return this.#pending.subarray(0, length)
  }

  #keep(text: Buffer, from: number, events: readonly StreamEvent[]): EventStreamRead {
    const length = text.length - from
    if (length > this.#maxEventBytes) return this.#fail(events)
    if (length === 0) this.#forget()
    else if (from > 0 || this.#length === 0) {
      // A copy: pieces that were given away share the memory of what was read.
      const pending = Buffer.allocUnsafe(Math.max(256, length))
      text.copy(pending, 0, from)
      this.#pending = pending
      this.#length = length
    }
    this.#lineStart -= from
    return { ok: true, events }
  }

  #fail(events: readonly StreamEvent[]): EventStreamRead {
    this.#problem = 'event_too_large'
    this.#forget()
    return { ok: false, problem: this.#problem, events }
  }

  #forget(): void {
    this.#pending = nothing
    this.#length = 0
  }
}

/** Finds the next line end. Each byte is looked at once for each of the two, and only natively. */
class LineEnds {
  readonly #text: Buffer
  #feed: number
  #return: number

  constructor(text: Buffer, from: number) {
    this.#text = text
    this.#feed = text.indexOf(lf, from)
    this.#return = text.indexOf(cr, from)
  }

  /** The position of the first at or behind `at`, or -1. `at` never goes back. */
  from(at: number): number {
    if (this.#feed >= 0 && this.#feed < at) this.#feed = this.#text.indexOf(lf, at)
    if (this.#return >= 0 && this.#return < at) this.#return = this.#text.indexOf(cr, at)
    if (this.#feed < 0) return this.#return
    return this.#return < 0 ? this.#feed : Math.min(this.#feed, this.#return)
  }
}

function startsLikeMark(text: Uint8Array): boolean {
  for (const [index, code] of mark.entries()) {
    if (index < text.length && text[index] !== code) return false
  }
  return true
}

/** Comments, blank lines, a byte order mark. */
function inert(bytes: Uint8Array): StreamEvent {
  return { bytes, data: undefined, type: undefined, id: undefined, retry: undefined, complete: true }
}
