import { setImmediate as nextTurn } from 'node:timers/promises'
import { sessionHeader } from '../../decision/bind-session.js'
import { andThen, type Eventually } from '../../decision/eventually.js'
import { failure } from '../../decision/failure.js'
import type { JudgedRequest } from '../../decision/judged-request.js'
import type { AnswerWork, ReviewedExchange } from '../../decision/reviewed-exchange.js'
import { parseContentType } from '../../protocol/content-type.js'
import { editEvent } from '../../protocol/mcp/edit-event.js'
import type { ResponseFailure } from '../../protocol/mcp/response-failure.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'
import { EventStreamReader } from '../../protocol/sse/event-stream-reader.js'
import { type StreamEvent, withData } from '../../protocol/sse/stream-event.js'
import type { ByteBudget } from '../envoy/byte-budget.js'
import type { BodyVerdict, HeaderChanges, HeadersVerdict, ResponseHead } from './exchange-processor.js'
import { respondWith } from './respond-with.js'

/** One event of a stream; what is larger cuts the stream off. */
const maxEventBytes = 4 * 1024 * 1024

export interface AnswerReviewOptions {
  readonly exchange: ReviewedExchange
  /** undefined: nobody said what was asked for. */
  readonly judged: JudgedRequest | undefined
  /** HTTP method of the request, "" where it was not shown. */
  readonly method: string
  /** Headers that the client gets in any case. */
  readonly headers?: HeaderChanges
  /** Of the events that all streams hold back because they have not ended. Default: there is no bound to all of them. */
  readonly budget?: ByteBudget | undefined
}

/**
 * The way back of one exchange: tags the session, and takes from the answer what its reader may not have. Whether a body
 * has to be looked at, and must be readable, follows from what was asked for; where that is not known, from all that it
 * could be.
 */
export class AnswerReview {
  readonly #exchange: ReviewedExchange
  readonly #judged: JudgedRequest | undefined
  readonly #method: string
  readonly #headers: HeaderChanges
  readonly #budget: ByteBudget | undefined
  /** Of the budget. */
  #taken = 0
  #status = 0
  /** Set while the answer is a stream. */
  #events: EventStreamReader | undefined
  /** The body may be no message at all. */
  #untyped = false
  #closed = false

  constructor({ exchange, judged, method, headers = {}, budget }: AnswerReviewOptions) {
    this.#exchange = exchange
    this.#judged = judged
    this.#method = method
    this.#headers = headers
    this.#budget = budget
  }

  onHeaders(head: ResponseHead): HeadersVerdict {
    const exchange = this.#exchange
    this.#status = head.status
    if (!exchange.active) return passWith(this.#headers)
    const tagged = tagSession(exchange, head.headers)
    if (tagged === undefined) {
      const why = failure('internal.error', 'the server gave a session id that cannot be bound to its caller')
      return respondWith(exchange.deny(why, 503))
    }
    const changes: HeaderChanges = { ...tagged, set: [...(this.#headers.set ?? []), ...(tagged.set ?? [])] }
    const work = exchange.work(this.#judged)
    // An error that somebody gets of whom nobody knows comes from the gateway, or from who denies such requests: unless the
    // request was allowed, for then it is the server's.
    const isRefusal = head.status >= 400 && !exchange.identified && this.#judged === undefined
    const idle = isRefusal || (!work.lists && !work.guarded && work.texts.length === 0)
    if (head.endOfStream || idle) return passWith(changes)
    return work.lists || work.guarded ? this.#readable(head, work, changes) : this.#told(head, changes)
  }

  /** What must be read, and goes on only then. */
  #readable({ status, headers }: ResponseHead, { lists, guarded }: AnswerWork, changes: HeaderChanges): HeadersVerdict {
    const exchange = this.#exchange
    // No client reads a result in an error of HTTP; but what it says reaches the model.
    const isError = status >= 400
    const harmless = isError && !guarded
    if (isEncoded(headers)) return harmless ? passWith(changes) : unreadable(exchange, 'it is compressed')
    const { type, essence, isStream, isJson } = typeOf(headers)
    // Some clients decode by it; what they see would not be what we read.
    if ((isJson || isStream) && !charsets.has(type?.parameters.get('charset')?.toLowerCase() ?? 'utf-8'))
      return harmless ? passWith(changes) : unreadable(exchange, 'it is not in UTF-8')
    if (isStream) return this.#stream(changes)
    if (isJson) return { kind: 'body', as: 'buffer', changes }
    // A message may hold several requests, and some clients look at no type. What GET gets is a stream of events or no MCP, and
    // what DELETE gets is no MCP; before 1.40 Envoy may never end an answer whose empty body it was told to show.
    const isList = this.#judged?.method !== undefined && lists
    const posted = !isList && !isError && !bodiless.has(this.#method)
    this.#untyped = guarded || (posted && !headers.has('content-type'))
    if (guarded && !holdsAscii(type?.parameters.get('charset') ?? 'utf-8'))
      return unreadable(exchange, 'it is in an encoding that cannot be searched')
    if (this.#untyped || (posted && (essence === 'text/json' || essence.endsWith('+json'))))
      return { kind: 'body', as: 'buffer', changes }
    // Of a request that is no list nothing else is read as MCP; a type that cannot be read may be anything.
    // Nor is anything in 202, which says that there is none: with HTTP+SSE the answer comes on the stream.
    const plain = isError || status === 202 || (!isList && (type !== undefined || !headers.has('content-type')))
    return plain ? passWith(changes) : unreadable(exchange, 'it is neither JSON nor an event stream')
  }

  /** A result gets what the model is to read beside it, where it can be read; nothing depends on it. */
  #told({ status, headers }: ResponseHead, changes: HeaderChanges): HeadersVerdict {
    if (status !== 200 || isEncoded(headers)) return passWith(changes)
    const { isJson, isStream } = typeOf(headers)
    if (isStream) return this.#stream(changes)
    return isJson ? { kind: 'body', as: 'buffer', changes } : passWith(changes)
  }

  #stream(changes: HeaderChanges): HeadersVerdict {
    this.#events = new EventStreamReader({ maxEventBytes })
    return { kind: 'body', as: 'stream', changes }
  }

  onBody(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict> {
    return this.#events === undefined ? this.#whole(chunk) : this.#streamed(this.#events, chunk, end)
  }

  onClose(): void {
    this.#closed = true
    this.#keep(0)
  }

  /** False: there is no room for so many bytes. */
  #keep(held: number): boolean {
    if (held > this.#taken && this.#budget?.take(held - this.#taken) === false) return false
    if (held < this.#taken) this.#budget?.give(this.#taken - held)
    this.#taken = held
    return true
  }

  async #whole(body: Uint8Array): Promise<BodyVerdict> {
    if (body.length === 0) return { kind: 'send', bytes: body }
    const reviewed = await this.#exchange.review(body, this.#judged)
    if (reviewed.ok) return { kind: 'send', bytes: reviewed.bytes }
    if (this.#isText(reviewed)) {
      return { kind: 'send', bytes: await this.#exchange.reviewText(body, this.#judged) }
    }
    return { kind: 'send', bytes: this.#exchange.refuse(body, reviewed) }
  }

  /** Error pages come in any encoding; elsewhere what is no UTF-8 may be a message to clients that do not mind. */
  #isText({ reason }: ResponseFailure): boolean {
    const isError = this.#status >= 400
    if (reason === 'response.encoding') return isError && this.#untyped
    return reason === 'response.not_json' && (isError || this.#untyped)
  }

  async #streamed(reader: EventStreamReader, chunk: Uint8Array, end: boolean): Promise<BodyVerdict> {
    const pieces: Uint8Array[] = []
    let turn = performance.now()
    for (let at = 0; at < chunk.length || at === 0; at += portionBytes) {
      const read = reader.read(chunk.subarray(at, at + portionBytes))
      if (!read.ok) {
        const why = failure('internal.error', 'an event of the server is larger than what can be read')
        return respondWith(this.#exchange.deny(why, 503))
      }
      if (!this.#closed && !this.#keep(reader.held)) {
        const why = failure('dependency.overloaded', 'too many answers of servers are held back to be checked')
        return respondWith(this.#exchange.deny(why, 503))
      }
      const last = end && at + portionBytes >= chunk.length ? reader.end() : undefined
      for (const event of last === undefined ? read.events : [...read.events, last]) {
        if (event.type === 'endpoint' && this.#exchange.endpoint(event.data ?? noBytes) === undefined) {
          const why = failure('internal.error', 'the server named a session that cannot be bound to its caller')
          return respondWith(this.#exchange.deny(why, 503))
        }
        const piece = this.#reviewEvent(event)
        pieces.push(piece instanceof Promise ? await piece : piece)
        if (performance.now() - turn < turnMs) continue
        await nextTurn()
        // The door has given up on it.
        if (this.#closed) return { kind: 'send', bytes: new Uint8Array(0) }
        turn = performance.now()
      }
    }
    const [only] = pieces
    return { kind: 'send', bytes: only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces) }
  }

  #reviewEvent(event: StreamEvent): Eventually<Uint8Array> {
    const { data } = event
    if (data === undefined || data.length === 0) return event.bytes
    const exchange = this.#exchange
    const told = event.type === 'endpoint' ? exchange.endpoint(data) : undefined
    if (told !== undefined && told !== data) return withData(event, told)
    return andThen(exchange.review(data, this.#judged), reviewed => {
      const edited = editEvent(event, () => reviewed)
      return edited.ok ? edited.bytes : withData(event, exchange.refuse(data, edited))
    })
  }
}

/** Bytes of a stream that are read at once, and milliseconds after which others get their turn. */
const portionBytes = 32 * 1024
const turnMs = 10
const noBytes = new Uint8Array(0)

/** Methods of requests that hold no message. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'DELETE'])

const charsets: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii'])

function typeOf(headers: RequestHeaders) {
  const type = parseContentType(headers.one('content-type') ?? '')
  const essence = type?.essence ?? ''
  return { type, essence, isJson: essence === 'application/json', isStream: essence === 'text/event-stream' }
}

/** Texts are searched as they are: where ASCII is not written as ASCII, nothing would be found. */
function holdsAscii(charset: string): boolean {
  return /^(?:utf-?8|us-ascii|ascii|latin-?[1-9]|l[1-9]|iso-?8859-\d{1,2}|windows-\d{3,4}|cp12\d{2}|koi8-[ru])$/i.test(
    charset,
  )
}

function isEncoded(headers: RequestHeaders): boolean {
  return headers.all('content-encoding').some(value => value.trim().toLowerCase() !== 'identity')
}

function unreadable(exchange: ReviewedExchange, how: string): HeadersVerdict {
  const why = failure(
    'internal.error',
    `the answer of the server cannot be checked: ${how}; the request may have been carried out`,
  )
  return respondWith(exchange.deny(why, 503))
}

/** undefined: a session that cannot be bound. An unidentified caller gets none. */
function tagSession(exchange: ReviewedExchange, headers: RequestHeaders): HeaderChanges | undefined {
  if (!exchange.bindsSessions || !headers.has(sessionHeader)) return {}
  const id = headers.one(sessionHeader)
  // An empty one is none to every client, and no id by the specification (2025-11-25, visible ASCII).
  if (id === '') return { remove: [sessionHeader] }
  const value = id === undefined ? undefined : exchange.tag(id)
  if (value !== undefined) return { set: [{ name: sessionHeader, value }] }
  return exchange.identified ? undefined : { remove: [sessionHeader] }
}

export function passWith(changes: HeaderChanges): HeadersVerdict {
  const { set = [], remove = [], target } = changes
  const none = set.length === 0 && remove.length === 0 && target === undefined
  return none ? { kind: 'pass' } : { kind: 'pass', changes }
}
