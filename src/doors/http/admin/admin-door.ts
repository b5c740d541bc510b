import type { IncomingMessage, ServerResponse } from 'node:http'
import { isJsonContentType } from '../../../protocol/content-type.js'
import { type ExposedMetrics, exposeMetrics } from '../../../telemetry/expose-metrics.js'
import type { RecentDecisions } from '../../../telemetry/recent-decisions.js'
import { authenticateAsker } from '../authenticate-asker.js'
import type { Readiness } from '../http-door.js'
import { createHttpServer } from '../http-server.js'
import { readBody } from '../read-body.js'
import { openTokenFile, type TokenFile } from '../token-file.js'
import { type AdminListener, adminProblem } from './admin-listener.js'
import { foreignOrigin } from './check-origin.js'
import { frontPage } from './front-page.js'
import { readDecisionQuery } from './read-decision-query.js'
import { type ExplainRequest, readExplainRequest } from './read-explain-request.js'
import { json, problem, type Reply, send } from './reply.js'
import { shownRecord } from './shown-record.js'

export type Explained =
  | { readonly ok: true; readonly explanation: unknown }
  /** It cannot be judged as it was asked; `message` says what to ask instead. */
  | { readonly ok: false; readonly message: string }

export interface AdminDoorOptions {
  readonly listener: AdminListener
  /** Of the program. */
  readonly version: string
  readiness(): Readiness
  metrics(): ExposedMetrics
  /** The configuration in effect; holds no secret. */
  config(): unknown
  /** Revision of the policies in force, "" for none; and the state of every document. */
  policies(): { readonly revision: string } & Readonly<Record<string, unknown>>
  /** The documents of one kind and name that are in force, as text; undefined when there is none. */
  policy(kind: string, name: string): string | undefined
  readonly decisions: RecentDecisions
  explain(request: ExplainRequest): Promise<Explained>
  /** Something is broken, or somebody was refused. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
}

export interface AdminDoor {
  /** Opens the listener. Rejects with an error for the operator. */
  start(): Promise<{ readonly host: string; readonly port: number }>
  stop(): Promise<void>
}

const maxBody = 1024 * 1024
const maxExplanations = 4
/** Time in which nothing of an answer was taken. */
const sendWithinMs = 30_000
const shownOnPage = 50
/** Records that are rewritten before requests of gateways get their turn. */
const recordsPerTurn = 100

/**
 * The state of the service for those who run it, over HTTP of its own. It changes nothing. Beyond loopback whoever asks has
 * to be authenticated. Throws when the listener is configured so that it must not be opened.
 */
export function createAdminDoor(options: AdminDoorOptions): AdminDoor {
  const why = adminProblem(options.listener)
  if (why !== undefined) throw new Error(`the admin listener: ${why}`)
  return new ListeningAdmin(options)
}

class ListeningAdmin implements AdminDoor {
  readonly #options: AdminDoorOptions
  readonly #server: ReturnType<typeof createHttpServer>
  #tokens: TokenFile | undefined
  #active = 0
  #explaining = 0

  constructor(options: AdminDoorOptions) {
    this.#options = options
    const { listener, onError } = options
    this.#server = createHttpServer({
      address: { kind: 'tcp', host: listener.host, port: listener.port },
      tls: listener.tls,
      requestTimeoutMs: listener.requestTimeoutMs ?? 10_000,
      onRequest: (request, response) => this.#serve(request, response),
      onError,
    })
  }

  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { listener, onError } = this.#options
    if (listener.tokenFile !== undefined)
      this.#tokens = openTokenFile({ path: listener.tokenFile, now: Date.now, onError })
    const bound = await this.#server.start()
    if (bound.kind !== 'tcp') throw new Error('the admin listener is on TCP')
    return { host: bound.host, port: bound.port }
  }

  async stop(): Promise<void> {
    this.#server.destroy()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { onError, listener } = this.#options
    this.#active++
    // Until the answer has left: somebody who reads slowly keeps it in memory.
    response.once('close', () => {
      this.#active--
    })
    response.setTimeout(sendWithinMs, () => response.destroy())
    const busy = this.#active > (listener.maxRequests ?? 32)
    const answer = busy ? Promise.resolve(tooMany()) : this.#answer(request)
    answer
      .catch((error: unknown) => {
        onError('an admin request failed', error)
        return problem(500, 'internal error; the log says more')
      })
      .then(reply => {
        if (reply !== undefined) send(request, response, reply)
      })
      .catch((error: unknown) => {
        onError('an admin answer could not be sent', error)
        response.destroy()
      })
  }

  /** undefined when nobody is left to be answered. */
  async #answer(request: IncomingMessage): Promise<Reply | undefined> {
    const { listener, onError } = this.#options
    const foreign = foreignOrigin(request, listener)
    if (foreign !== undefined) {
      onError(`an admin request was refused: ${foreign}`)
      return problem(403, foreign)
    }
    if (listener.tls?.clientCA !== undefined || this.#tokens !== undefined) {
      const address = { kind: 'tcp', host: listener.host, port: listener.port } as const
      const asker = authenticateAsker(request, { address, ...(listener.tls && { tls: listener.tls }) }, this.#tokens)
      if (!asker.ok) {
        onError(`an admin request was refused: ${asker.message}`)
        return problem(asker.status, asker.message, this.#tokens && { 'www-authenticate': 'Bearer' })
      }
    }
    const target = request.url ?? ''
    const mark = target.indexOf('?')
    const [path, query] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
    if (path === '/explain') return request.method === 'POST' ? this.#explain(request) : notAllowed('POST')
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
    return this.#read(path, query, request.headers.accept)
  }

  async #read(path: string, query: string, accept: string | undefined): Promise<Reply> {
    const { readiness, metrics, config, policies } = this.#options
    switch (path) {
      case '/':
        return this.#page(query)
      case '/healthz':
        return json(200, { status: 'alive' })
      case '/readyz': {
        const { ready, reasons } = readiness()
        return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', reasons })
      }
      case '/metrics': {
        const exposed = await exposeMetrics(metrics(), accept)
        return { status: 200, ...exposed }
      }
      case '/config':
        return json(200, config())
      case '/policies':
        return json(200, policies())
      case '/decisions':
        return this.#decisions(query)
      default:
        return path.startsWith('/policies/') ? this.#policy(path.slice('/policies/'.length)) : notFound()
    }
  }

  #page(query: string): Reply {
    const { readiness, version, policies, decisions } = this.#options
    const read = readDecisionQuery(query)
    if (!read.ok) return problem(400, read.message)
    const found = decisions.find({ ...read.query, limit: Math.min(read.query.limit, shownOnPage) })
    const { outcome, would } = read.query
    const shown =
      would === true ? 'would be denied' : outcome === 'deny' ? 'denied' : outcome === 'allow' ? 'allowed' : ''
    return frontPage({
      ...readiness(),
      ...{ version, shown: query === '' ? 'all' : shown, revision: policies().revision },
      records: found.map(({ line }) => line),
    })
  }

  async #decisions(query: string): Promise<Reply> {
    const { decisions } = this.#options
    const read = readDecisionQuery(query)
    if (!read.ok) return problem(400, read.message)
    const found = decisions.find(read.query)
    const records: string[] = []
    for (const [index, { line, shadow }] of found.entries()) {
      if (index % recordsPerTurn === recordsPerTurn - 1) await new Promise(resolve => setImmediate(resolve))
      const record = shownRecord(line)
      records.push(shadow === undefined || record === '{}' ? record : `${record.slice(0, -1)},"shadow":${shadow}}`)
    }
    if (read.format === 'ndjson') {
      const body = records.map(record => `${record}\n`).join('')
      return { status: 200, contentType: 'application/x-ndjson', body }
    }
    const head = `{"seen":${decisions.seen},"kept":${Math.min(decisions.seen, decisions.capacity)}`
    return { status: 200, contentType: 'application/json', body: `${head},"decisions":[\n${records.join(',\n')}\n]}\n` }
  }

  /** `KIND/NAME`, or `KIND` where the kind has no names. */
  #policy(below: string): Reply {
    const slash = below.indexOf('/')
    const kind = slash < 0 ? below : below.slice(0, slash)
    const name = slash < 0 ? '' : decoded(below.slice(slash + 1))
    if (name === undefined || below.length > 1024) return notFound()
    const body = this.#options.policy(kind, name)
    if (body === undefined) return problem(404, 'no document of this kind and name is in force; /policies lists all')
    return { status: 200, contentType: 'text/plain; charset=utf-8', body }
  }

  async #explain(request: IncomingMessage): Promise<Reply | undefined> {
    const { listener } = this.#options
    // What a form of another page can send is none of these, so that a browser asks first, and we never agree.
    const contentType = request.headersDistinct['content-type'] ?? []
    if (contentType.length !== 1 || !contentType.every(isJsonContentType))
      return problem(415, 'the Content-Type must be application/json')
    if (request.headers['content-encoding'] !== undefined) return problem(415, 'the body must not be compressed')
    if (this.#explaining >= maxExplanations) return tooMany()
    this.#explaining++
    try {
      const body = await readBody(request, maxBody)
      if (!body.ok)
        return body.problem === 'too large' ? problem(413, `the body is larger than ${maxBody} bytes`) : undefined
      const read = readExplainRequest(body.bytes)
      if (!read.ok) return problem(400, read.message)
      const explained = await within(listener.explainWithinMs ?? 5000, this.#options.explain(read.request))
      if (explained === undefined) return problem(503, 'it was not decided in time; a dependency may be away')
      return explained.ok ? json(200, explained.explanation) : problem(400, explained.message)
    } finally {
      this.#explaining--
    }
  }
}

async function within(limitMs: number, explained: Promise<Explained>): Promise<Explained | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), limitMs)
  })
  try {
    return await Promise.race([explained, late])
  } finally {
    clearTimeout(timer)
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function notFound(): Reply {
  return problem(404, 'there is no such page; / has links')
}

function notAllowed(allow: string): Reply {
  return problem(405, `use ${allow}`, { allow })
}

function tooMany(): Reply {
  return problem(429, 'too much is being answered; try again', { 'retry-after': '1' })
}
