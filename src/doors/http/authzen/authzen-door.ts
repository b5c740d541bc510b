import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decide, Decision } from '../../../decision/decision.js'
import { isJsonContentType } from '../../../protocol/content-type.js'
import type { InboundRequest } from '../../../protocol/inbound-request.js'
import type { BoundAddress } from '../../grpc/grpc-transport.js'
import { authenticateAsker } from '../authenticate-asker.js'
import { createHttpServer } from '../http-server.js'
import { readBody } from '../read-body.js'
import { openTokenFile, type TokenFile } from '../token-file.js'
import { type AuthzenListener, listenerProblem } from './authzen-listener.js'
import { authzenMetadata, authzenMetadataPath, evaluationPath, evaluationsPath } from './authzen-metadata.js'
import { evaluateMany, evaluateOne } from './evaluate.js'
import { createJudge } from './judge.js'
import type { AskedServer } from './read-call.js'
import { readEvaluations } from './read-evaluations.js'

export interface AuthzenDoorOptions {
  readonly decide: Decide
  readonly listener: AuthzenListener
  /** The Server in force of this name, `namespace/name` or resource, compared exactly. */
  findServer(id: string): AskedServer | undefined
  /** Something is broken, in us or around us. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
  /** A denial that `decide` knows nothing of, for the log and the metrics; without request when none could be read. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

export interface AuthzenDoor {
  /** Opens the listener. Rejects with an error for the operator. Not ready until {@link setReady}. */
  start(): Promise<BoundAddress>
  /** Requests are answered either way; while not ready, each answer ends its connection, so that gateways go elsewhere. */
  setReady(ready: boolean): void
  /** Nothing new is accepted, requests in flight end. Resolves to the number of those cut off. */
  drain(limitMs: number): Promise<number>
  stop(): Promise<void>
  /** Compares certificate files with what is in use now, without waiting for the interval. */
  reloadTls(): boolean
}

/** What is said over HTTP. */
interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const second = 1000

/**
 * AuthZEN Authorization API 1.0 over HTTP, with MCP in it after the default mappings of COAZ-MCP. Whoever asks has to be
 * authenticated. Throws when the listener is configured so that it must not be opened.
 */
export function createAuthzenDoor(options: AuthzenDoorOptions): AuthzenDoor {
  const problem = listenerProblem(options.listener)
  if (problem !== undefined) throw new Error(`listener ${options.listener.name}: ${problem}`)
  return new ListeningDoor(options)
}

class ListeningDoor implements AuthzenDoor {
  readonly #options: AuthzenDoorOptions
  readonly #server: ReturnType<typeof createHttpServer>
  readonly #judge: ReturnType<typeof createJudge>
  #tokens: TokenFile | undefined
  #ready = false
  #active = 0
  #idle: () => void = () => undefined

  constructor(options: AuthzenDoorOptions) {
    this.#options = options
    const { listener, onError } = options
    this.#judge = createJudge({ ...options, maxInFlight: listener.maxInFlight ?? 1024 })
    this.#server = createHttpServer({
      address: listener.address,
      tls: listener.tls,
      requestTimeoutMs: listener.requestTimeoutMs ?? 10 * second,
      onRequest: (request, response) => this.#serve(request, response),
      onError,
    })
  }

  async start(): Promise<BoundAddress> {
    const { tokenFile: path } = this.#options.listener
    const { onError } = this.#options
    if (path !== undefined) this.#tokens = openTokenFile({ path, now: Date.now, onError })
    return this.#server.start()
  }

  setReady(ready: boolean): void {
    this.#ready = ready
  }

  async drain(limitMs: number): Promise<number> {
    this.#ready = false
    this.#server.close()
    if (this.#active > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, limitMs)
        this.#idle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const cutOff = this.#active
    // The last answers were handed over, which is not to say that they have left.
    if (cutOff === 0) await this.#server.emptied(second / 2)
    return cutOff
  }

  async stop(): Promise<void> {
    this.#server.destroy()
  }

  reloadTls(): boolean {
    return this.#server.reloadTls()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#active++
    this.#answer(request)
      .catch((error: unknown): Reply => {
        this.#options.onError('an AuthZEN request failed', error)
        return text(500, 'The authorization service failed.')
      })
      .then(reply => {
        if (reply !== undefined) this.#send(request, response, reply)
      })
      .catch((error: unknown) => {
        this.#options.onError('an AuthZEN answer could not be sent', error)
        response.destroy()
      })
      .finally(() => {
        this.#active--
        if (this.#active === 0) this.#idle()
      })
  }

  /** undefined when nobody is left to be answered. */
  async #answer(request: IncomingMessage): Promise<Reply | undefined> {
    const { listener, onError } = this.#options
    const path = request.url ?? ''
    const reading = request.method === 'GET' || request.method === 'HEAD'
    // Public, as any metadata of its kind: it is what a gateway reads before it asks.
    if (path === authzenMetadataPath && listener.identifier !== undefined) {
      return reading ? document(authzenMetadata(listener.identifier)) : notAllowed('GET, HEAD')
    }
    const asker = authenticateAsker(request, listener, this.#tokens)
    if (!asker.ok) {
      onError(`a gateway was refused: ${asker.message}`)
      const challenge = this.#tokens === undefined ? {} : { 'www-authenticate': 'Bearer' }
      return { ...text(asker.status, `${asker.message}.`), headers: { ...plain, ...challenge } }
    }
    if (requestId(request) === 'refused') {
      return text(400, `X-Request-ID must be one value of at most ${maxRequestId} characters.`)
    }
    if (path !== evaluationPath && path !== evaluationsPath) return text(404, 'There is no such endpoint.')
    if (request.method !== 'POST') return notAllowed('POST')
    const contentType = request.headersDistinct['content-type'] ?? []
    if (contentType.length !== 1 || !contentType.every(isJsonContentType)) {
      return text(415, 'The Content-Type must be application/json, in UTF-8.')
    }
    if (request.headers['content-encoding'] !== undefined) return text(415, 'The body must not be compressed.')
    if (this.#active > (listener.maxRequests ?? 256)) {
      return {
        ...text(429, 'Too many requests are being answered; try again.'),
        headers: { ...plain, 'retry-after': '1' },
      }
    }
    const body = await readBody(request, listener.maxBodyBytes ?? 1024 * 1024)
    if (body.ok) return this.#evaluate(request, body.bytes, path === evaluationPath ? 'evaluation' : 'evaluations')
    return body.problem === 'too large' ? text(413, 'The body is too large; send less at once.') : undefined
  }

  async #evaluate(request: IncomingMessage, bytes: Buffer, endpoint: 'evaluation' | 'evaluations'): Promise<Reply> {
    const { listener, findServer } = this.#options
    const maxBytes = listener.maxBodyBytes ?? 1024 * 1024
    const read = readEvaluations(bytes, endpoint, { maxBytes, maxEvaluations: listener.maxEvaluations ?? 50 })
    if (!read.ok) return text(read.status, read.message)
    const asking = {
      judge: this.#judge,
      rules: {
        // The profile of agentgateway forgives claims without the header of their token, which can be told here.
        listener: { name: listener.name, door: 'authzen', profile: 'envoy', trust: listener.trust },
        findServer,
        server: listener.server,
        subjectClaim: listener.subjectClaim ?? 'sub',
        deadline: Date.now() + (listener.timeoutMs ?? 5 * second),
        traceparent: traceparentOf(request),
        room: { bytes: 2 * maxBytes },
      },
    } as const
    if (read.many) return json({ evaluations: await evaluateMany(read.tuples, read.semantic, asking) })
    const answer = await evaluateOne(read.tuple, asking)
    return 'decision' in answer ? json(answer) : text(400, answer.message)
  }

  #send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
    const id = requestId(request)
    // A body that was not read is never taken for the next request.
    if (!request.complete || !this.#ready) response.setHeader('connection', 'close')
    if (id !== undefined && id !== 'refused') response.setHeader('x-request-id', id.value)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    for (const [name, value] of Object.entries(reply.headers ?? plain)) response.setHeader(name, value)
    response.statusCode = reply.status
    response.setHeader('content-length', Buffer.byteLength(reply.body))
    response.end(request.method === 'HEAD' ? undefined : reply.body)
  }
}

const maxRequestId = 1024

/** What the answer repeats (section "Request Identification in a Response"). */
function requestId(request: IncomingMessage): { readonly value: string } | 'refused' | undefined {
  const [value, ...others] = request.headersDistinct['x-request-id'] ?? []
  if (value === undefined) return undefined
  return others.length > 0 || value.length > maxRequestId ? 'refused' : { value }
}

/** W3C Trace Context, version 00. */
const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

function traceparentOf(request: IncomingMessage): string | undefined {
  const [value, ...others] = request.headersDistinct.traceparent ?? []
  return value !== undefined && others.length === 0 && traceparent.test(value) ? value : undefined
}

const plain = { 'content-type': 'text/plain; charset=utf-8' } as const

/** The specification wants an error's body to be a message, and nothing else. */
function text(status: number, message: string): Reply {
  return { status, headers: plain, body: message }
}

function notAllowed(allow: string): Reply {
  return { ...text(405, `Use ${allow}.`), headers: { ...plain, allow } }
}

function json(value: unknown): Reply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function document(body: string): Reply {
  const headers = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }
  return { status: 200, headers, body }
}
