import { type Dispatcher, request } from 'undici'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { EventStreamReader } from '../protocol/sse/event-stream-reader.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { Endpoint } from './endpoint.js'
import { foreignText } from './foreign-text.js'

export type Exchanged =
  | {
      readonly ok: true
      readonly status: number
      /** `Mcp-Session-Id` of the answer. */
      readonly session: string | undefined
      /** The JSON-RPC response to the request; undefined if there is none in the answer. */
      readonly response: JsonObject | undefined
    }
  | { readonly ok: false; readonly message: string }

export interface Exchange {
  readonly endpoint: Endpoint
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  readonly answerBytes: number
  /** What all answers to come may have together. */
  readonly budget: { bytes: number }
}

/** A list of tools has more members than a call may have. */
const maxMembers = 200_000

/** Posts one message and reads the answer, be it JSON or an event stream. Never rejects, follows no redirect. */
export async function exchange(
  { endpoint, dispatcher, signal, answerBytes, budget }: Exchange,
  message: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>>,
): Promise<Exchanged> {
  try {
    const answer = await request(endpoint.url, {
      ...{ method: 'POST', dispatcher, signal, body: JSON.stringify(message) },
      headers: {
        ...endpoint.headers,
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    })
    // Leaving a body unread is an error of its stream, which nobody else listens for.
    answer.body.on('error', () => undefined)
    const status = answer.statusCode
    if (status >= 300 && status < 400) {
      answer.body.destroy()
      return { ok: false, message: `it answered ${status}; redirects are not followed, give the final URL` }
    }
    const session = single(answer.headers['mcp-session-id'])
    const type = single(answer.headers['content-type'])?.split(';', 1)[0]?.trim().toLowerCase()
    const read = type === 'text/event-stream' ? responseInStream : responseInBody
    const meter = new Meter(answerBytes, budget)
    const response = await read(answer.body, message.id, meter)
    if (typeof response === 'string') return { ok: false, message: `it answered ${status} with ${response}` }
    return { ok: true, status, session, response }
  } catch (error) {
    return { ok: false, message: describe(error) }
  }
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? undefined : header
}

class Meter {
  readonly limit: number
  readonly #budget: { bytes: number }
  #size = 0

  constructor(limit: number, budget: { bytes: number }) {
    this.limit = limit
    this.#budget = budget
  }

  /** What was too much, if it was. */
  count(bytes: number): string | undefined {
    this.#size += bytes
    this.#budget.bytes -= bytes
    if (this.#size > this.limit) return `more than ${this.limit} bytes`
    return this.#budget.bytes < 0 ? 'more than all of its answers may have together' : undefined
  }
}

type Body = AsyncIterable<unknown> & { destroy(): unknown }

/** A body that is no JSON is no response; what is wrong with it matters only if a response was needed. */
async function responseInBody(body: Body, id: unknown, meter: Meter): Promise<JsonObject | string | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) return 'something that is not bytes'
    const tooMuch = meter.count(chunk.length)
    if (tooMuch !== undefined) {
      body.destroy()
      return tooMuch
    }
    chunks.push(chunk)
  }
  return responseTo(Buffer.concat(chunks), id, meter.limit)
}

async function responseInStream(body: Body, id: unknown, meter: Meter): Promise<JsonObject | string | undefined> {
  // The meter is the narrower: it counts the whole stream.
  const reader = new EventStreamReader({ maxEventBytes: meter.limit })
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) return 'something that is not bytes'
      const tooMuch = meter.count(chunk.length)
      if (tooMuch !== undefined) return tooMuch
      for (const { data } of reader.read(chunk).events) {
        const response = data === undefined ? undefined : responseTo(data, id, meter.limit)
        if (response !== undefined) return response
      }
    }
    return undefined
  } finally {
    // The stream may go on for hours.
    body.destroy()
  }
}

function responseTo(bytes: Uint8Array, id: unknown, limit: number): JsonObject | undefined {
  const parsed = parseStrictJson(bytes, { maxBytes: limit, maxMembers })
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined
  const { value } = parsed
  if (value.has('method') || value.has('result') === value.has('error')) return undefined
  // An error whose request could not be read has no id.
  const given = value.get('id')
  const ours = typeof given === 'bigint' && Number(given) === id
  return ours || (value.has('error') && (given === null || given === undefined)) ? value : undefined
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be reached'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'there was no complete answer in time'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  // Some texts quote the server: its certificate, its status line.
  return foreignText(error.message !== '' ? error.message : (code ?? error.name))
}
