import { setImmediate as nextTurn } from 'node:timers/promises'
import { sessionHeader } from '../../decision/bind-session.js'
import type { Decision } from '../../decision/decision.js'
import { andThen, type Eventually } from '../../decision/eventually.js'
import { failure } from '../../decision/failure.js'
import { listMethods } from '../../decision/filter-lists.js'
import type { ExchangeReview, ReviewedExchange } from '../../decision/review-exchange.js'
import { parseContentType } from '../../protocol/content-type.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { appendText } from '../../protocol/mcp/append-text.js'
import { editEvent } from '../../protocol/mcp/edit-event.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'
import { EventStreamReader } from '../../protocol/sse/event-stream-reader.js'
import { type StreamEvent, withData } from '../../protocol/sse/stream-event.js'
import type {
  BodyVerdict,
  ExchangeProcessor,
  HeaderChanges,
  HeadersVerdict,
  RequestHead,
  Respond,
  ResponseHead,
} from './exchange-processor.js'

/** Where ext_authz leaves what it decided. */
export const decisionNamespace = 'envoy.filters.http.ext_authz'

/** One event of a stream; what is larger cuts the stream off. */
const maxEventBytes = 4 * 1024 * 1024

/**
 * One exchange beside ext_authz, which decides about the request: binds legacy sessions, and removes from lists what their
 * reader may not use. Stands before ext_authz in the chain, so that it sees the client's own headers and the last form of
 * the answer.
 */
export class ReviewProcessor implements ExchangeProcessor {
  readonly #review: ExchangeReview
  #exchange: ReviewedExchange | undefined
  #status = 0
  /** Set while the answer is a stream. */
  #events: EventStreamReader | undefined
  /** Set where the answer is the result of a call, to which these texts are added. */
  #context: readonly string[] | undefined
  /** Of the request; "" where it was not shown. */
  #method = ''
  /** Nothing says what the answer is. */
  #untyped = false
  #closed = false

  constructor(review: ExchangeReview) {
    this.#review = review
  }

  onRequestHeaders(head: RequestHead): Eventually<HeadersVerdict> {
    this.#method = head.method
    const opened = this.#review.open({ ...head, body: { state: 'absent' } })
    return opened instanceof Promise
      ? opened.then(exchange => this.#requested(exchange, head.headers))
      : this.#requested(opened, head.headers)
  }

  #requested(exchange: ReviewedExchange, headers: RequestHeaders): HeadersVerdict {
    this.#exchange = exchange
    if (!exchange.active) return { kind: 'pass' }
    const { session } = exchange
    if (session.kind === 'refused') return respond(exchange.deny(session.why, session.status))
    const set: { name: string; value: string }[] = []
    const remove: string[] = []
    if (session.kind === 'own') set.push({ name: sessionHeader, value: session.id })
    // Nobody knows whose session it is: should the request be allowed all the same, then without one.
    else if (exchange.bindsSessions && headers.has(sessionHeader)) remove.push(sessionHeader)
    // What is compressed cannot be read here. The method of a legacy request is not known yet.
    if (headers.has('accept-encoding') && !namesOtherMethod(headers))
      set.push({ name: 'accept-encoding', value: 'identity' })
    return passWith({ set, remove })
  }

  onResponseHeaders(head: ResponseHead): HeadersVerdict {
    const exchange = this.#exchange ?? this.#review.unseen()
    this.#exchange = exchange
    this.#status = head.status
    if (!exchange.active) return { kind: 'pass' }
    const said = head.metadata.get(decisionNamespace)
    // An answer of ext_authz itself.
    if (said?.get('decision') === 'deny' || said?.get('decision') === 'respond') return { kind: 'pass' }
    const changes = tagSession(exchange, head.headers)
    if (changes === undefined) {
      const why = failure('internal.error', 'the server gave a session id that cannot be bound to its caller')
      return respond(exchange.deny(why, 503))
    }
    const method = methodOf(said)
    if (head.endOfStream) return passWith(changes)
    if (method !== undefined && !listMethods.has(method)) return this.#told(head, contextOf(said), changes)
    return this.#readable(exchange, head, method !== undefined, changes)
  }

  #readable(
    exchange: ReviewedExchange,
    { status, headers }: ResponseHead,
    isList: boolean,
    changes: HeaderChanges,
  ): HeadersVerdict {
    // No client reads a result in an error of HTTP.
    const isError = status >= 400
    if (isEncoded(headers)) return isError ? passWith(changes) : unreadable(exchange, 'it is compressed')
    const type = parseContentType(headers.one('content-type') ?? '')
    const essence = type?.essence ?? ''
    const isJson = essence === 'application/json'
    const isStream = essence === 'text/event-stream'
    // Some clients decode by it; what they see would not be what we read.
    if ((isJson || isStream) && !charsets.has(type?.parameters.get('charset')?.toLowerCase() ?? 'utf-8'))
      return isError ? passWith(changes) : unreadable(exchange, 'it is not in UTF-8')
    if (isStream) {
      this.#events = new EventStreamReader({ maxEventBytes })
      return { kind: 'body', as: 'stream', changes }
    }
    if (isJson) return { kind: 'body', as: 'buffer', changes }
    // A message may hold several requests, and some clients look at no type. What GET gets is a stream of events or no MCP.
    const posted = !isList && !isError && this.#method !== 'GET'
    this.#untyped = posted && !headers.has('content-type')
    if (this.#untyped || (posted && (essence === 'text/json' || essence.endsWith('+json'))))
      return { kind: 'body', as: 'buffer', changes }
    // Of a request that is no list nothing else is read as MCP; a type that cannot be read may be anything.
    const plain = isError || (!isList && (type !== undefined || !headers.has('content-type')))
    return plain ? passWith(changes) : unreadable(exchange, 'it is neither JSON nor an event stream')
  }

  /** A result gets what the model is to read beside it, where it can be read; nothing depends on it. */
  #told({ status, headers }: ResponseHead, texts: readonly string[], changes: HeaderChanges): HeadersVerdict {
    if (texts.length === 0 || status !== 200 || isEncoded(headers)) return passWith(changes)
    const essence = parseContentType(headers.one('content-type') ?? '')?.essence
    if (essence !== 'application/json' && essence !== 'text/event-stream') return passWith(changes)
    this.#context = texts
    if (essence === 'application/json') return { kind: 'body', as: 'buffer', changes }
    this.#events = new EventStreamReader({ maxEventBytes })
    return { kind: 'body', as: 'stream', changes }
  }

  onResponseBody(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict> {
    const exchange = this.#exchange
    if (exchange === undefined) throw new Error('a body comes after its headers')
    return this.#events === undefined
      ? this.#whole(exchange, chunk)
      : this.#streamed(exchange, this.#events, chunk, end)
  }

  onClose(): void {
    this.#closed = true
  }

  async #whole(exchange: ReviewedExchange, body: Uint8Array): Promise<BodyVerdict> {
    if (body.length === 0) return { kind: 'send', bytes: body }
    if (this.#context !== undefined) return { kind: 'send', bytes: withContext(body, this.#context) }
    const filtered = await exchange.filter(body)
    if (filtered.ok) return { kind: 'send', bytes: filtered.bytes }
    if ((this.#status >= 400 || this.#untyped) && filtered.reason === 'response.not_json')
      return { kind: 'send', bytes: body }
    return { kind: 'send', bytes: exchange.refuse(body) }
  }

  async #streamed(
    exchange: ReviewedExchange,
    reader: EventStreamReader,
    chunk: Uint8Array,
    end: boolean,
  ): Promise<BodyVerdict> {
    const pieces: Uint8Array[] = []
    let turn = performance.now()
    for (let at = 0; at < chunk.length || at === 0; at += portionBytes) {
      const read = reader.read(chunk.subarray(at, at + portionBytes))
      if (!read.ok) {
        const why = failure('internal.error', 'an event of the server is larger than what can be read')
        return respond(exchange.deny(why, 503))
      }
      const last = end && at + portionBytes >= chunk.length ? reader.end() : undefined
      for (const event of last === undefined ? read.events : [...read.events, last]) {
        const piece = this.#context === undefined ? reviewEvent(exchange, event) : tellEvent(event, this.#context)
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
}

/** Bytes of a stream that are read at once, and milliseconds after which others get their turn. */
const portionBytes = 32 * 1024
const turnMs = 10

const charsets: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii'])

function tellEvent(event: StreamEvent, texts: readonly string[]): Uint8Array {
  const edited = editEvent(event, data => appendText(data, texts))
  return edited.ok ? edited.bytes : event.bytes
}

function reviewEvent(exchange: ReviewedExchange, event: StreamEvent): Eventually<Uint8Array> {
  const { data } = event
  if (data === undefined || data.length === 0) return event.bytes
  return andThen(exchange.filter(data), filtered => {
    const edited = editEvent(event, () => filtered)
    return edited.ok ? edited.bytes : withData(event, exchange.refuse(data))
  })
}

function isEncoded(headers: RequestHeaders): boolean {
  return headers.all('content-encoding').some(value => value.trim().toLowerCase() !== 'identity')
}

/** What the decision about the request has for the model. */
function contextOf(said: JsonObject | undefined): readonly string[] {
  const texts = said?.get('result_context')
  return Array.isArray(texts) ? texts.filter(text => typeof text === 'string') : []
}

function withContext(message: Uint8Array, texts: readonly string[]): Uint8Array {
  const told = appendText(message, texts)
  return told.ok ? told.bytes : message
}

function respond({ answer }: Decision): Respond {
  if (answer.kind !== 'respond') throw new Error('a refusal has an answer')
  const { status, headers, body } = answer
  return { kind: 'respond', reply: { status, headers, body, details: 'mcp_authz_refused' } }
}

function unreadable(exchange: ReviewedExchange, how: string): HeadersVerdict {
  const why = failure('internal.error', `the answer of the server cannot be checked for lists: ${how}`)
  return respond(exchange.deny(why, 503))
}

function passWith(changes: HeaderChanges): HeadersVerdict {
  const none = (changes.set ?? []).length === 0 && (changes.remove ?? []).length === 0
  return none ? { kind: 'pass' } : { kind: 'pass', changes }
}

/** undefined: a session that cannot be bound. An unidentified caller gets none. */
function tagSession(exchange: ReviewedExchange, headers: RequestHeaders): HeaderChanges | undefined {
  if (!exchange.bindsSessions || !headers.has(sessionHeader)) return {}
  const id = headers.one(sessionHeader)
  const value = id === undefined ? undefined : exchange.tag(id)
  if (value !== undefined) return { set: [{ name: sessionHeader, value }] }
  return exchange.identified ? undefined : { remove: [sessionHeader] }
}

/** What ext_authz let pass; undefined where it let nothing pass, several messages, or what is no message. */
function methodOf(said: JsonObject | undefined): string | undefined {
  const method = said?.get('method')
  return said?.get('decision') === 'allow' && typeof method === 'string' && method !== '' ? method : undefined
}

/** Modern requests name their method, and ext_authz holds them to it. */
function namesOtherMethod(headers: RequestHeaders): boolean {
  const method = headers.one('mcp-method')
  return method !== undefined && !listMethods.has(method)
}
