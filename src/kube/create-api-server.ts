import type { ApiFailure, ApiRequest, ApiResponse, ApiServer, Following, FollowRequest } from './api-server.js'
import { type ApiServerEvent, type RequestKind, requestKind } from './api-server-event.js'
import { openSession, type SessionOptions } from './api-session.js'
import type { AccessResult, AccessSource, ClusterAccess } from './cluster-access.js'
import type { ClusterConnection } from './cluster-connection.js'
import { createAccessSource } from './create-access-source.js'
import { Deadline } from './deadline.js'
import { type Exchanged, exchange } from './exchange.js'
import { follow } from './follow.js'
import { loadInClusterAccess } from './load-in-cluster-access.js'
import { loadKubeconfigAccess } from './load-kubeconfig-access.js'
import { pauseBeforeRetry } from './pause-before-retry.js'
import { Places } from './places.js'
import { malformed, readAnswer, unavailable } from './read-answer.js'
import { requestHeaders } from './request-headers.js'
import { SessionKeeper } from './session-keeper.js'

export interface ApiServerOptions {
  /** Name of the cluster in the configuration. */
  readonly cluster: string
  readonly connection: ClusterConnection
  /** Milliseconds for a request that does not say. */
  readonly timeoutMs: number
  /** Requests under way at once; as many again may wait. At most 90: an API server takes 100 on one connection. */
  readonly maxInFlight: number
  /** Must not throw. */
  onEvent?(event: ApiServerEvent): void
  /** What it takes from around it, and its times; for tests. */
  readonly environment?: ApiServerEnvironment
}

export interface ApiServerEnvironment extends Partial<SessionOptions> {
  /** Default: those of the process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /** Where the kubelet mounts the token and the authority. */
  readonly serviceAccountDirectory?: string
  /** Milliseconds between two looks at the files. Default 5000. */
  readonly checkMs?: number
  /** Milliseconds that an exec plugin of a kubeconfig has. Default 30,000. */
  readonly execMs?: number
}

/** For readiness and gauges. */
export interface ApiServerState {
  /** A connection for requests stands now. */
  readonly connected: boolean
  /** One has stood at some time. */
  readonly everConnected: boolean
  /** Why the last connection failed, or the credentials cannot be read; "" while there is nothing to say. */
  readonly problem: string
  readonly inFlight: number
  readonly waiting: number
  /** How many may be under way at present; lower than configured after 429s. */
  readonly limit: number
  /** Watches that are open or opening. */
  readonly following: number
  /** Connections made since the start. */
  readonly connects: number
}

export interface ConnectedApiServer extends ApiServer {
  state(): ApiServerState
}

const defaultMaxBytes = 4 * 1024 * 1024
const mostInFlight = 90
const mostFollowing = 64

/**
 * The client of one API server. Nothing is connected before the first request, and creating it cannot fail: whatever is
 * missing is `unavailable`, with a message that says what.
 *
 * Requests share one HTTP/2 session; watches have another. A request that waits, connects, is sent and perhaps sent once more
 * has one deadline for all of it. It is sent again at most once for what went wrong on the way (a connection that broke, 5xx,
 * 429 whose Retry-After fits), if it is repeatable or was provably not looked at, and at most once for a 401, with credentials
 * that were read anew. After a 429 fewer requests are sent at once until the API server takes them again; while one waits out
 * its Retry-After it keeps its place. Nobody else is failed for it.
 */
export function createApiServer(options: ApiServerOptions): ConnectedApiServer {
  return new Http2ApiServer(options)
}

class Http2ApiServer implements ConnectedApiServer {
  readonly cluster: string
  readonly #timeoutMs: number
  readonly #emit: (event: ApiServerEvent) => void
  readonly #access: AccessSource
  readonly #places: Places
  readonly #requests: SessionKeeper
  readonly #watches: SessionKeeper
  readonly #calls = new Set<Deadline>()
  readonly #following = new Set<Following>()
  #closed = false
  #everConnected = false
  #credentialProblem = ''
  #connectProblem = ''

  constructor(options: ApiServerOptions) {
    this.cluster = options.cluster
    this.#timeoutMs = options.timeoutMs
    this.#emit = event => options.onEvent?.(event)
    const most = Math.max(1, Math.min(mostInFlight, options.maxInFlight))
    this.#places = new Places(most, most)
    const environment = options.environment ?? {}
    this.#access = this.#accessOf(options.connection, environment)
    const session: SessionOptions = {
      connectMs: environment.connectMs ?? 5000,
      pingAfterMs: environment.pingAfterMs ?? 5000,
      pingMs: environment.pingMs ?? 3000,
      maxAgeMs: environment.maxAgeMs ?? 1_800_000,
    }
    // Loading what reads a kubeconfig takes most of a second, which no request should have to wait for.
    if (options.connection.kind === 'kubeconfig') queueMicrotask(() => void this.#access.current())
    this.#requests = this.#keeper('requests', session)
    this.#watches = this.#keeper('watches', session)
  }

  #accessOf(connection: ClusterConnection, environment: ApiServerEnvironment): AccessSource {
    const warn = (message: string) => this.#emit({ type: 'warning', message })
    const load =
      connection.kind === 'inCluster'
        ? loadInClusterAccess(environment.variables ?? process.env, environment.serviceAccountDirectory)
        : loadKubeconfigAccess(connection, { warn, execMs: environment.execMs ?? 30_000 })
    return createAccessSource({
      load,
      ...(environment.checkMs !== undefined && { checkMs: environment.checkMs }),
      onProblem: message => {
        this.#credentialProblem = message
        this.#emit({ type: 'credentials', message })
      },
    })
  }

  #keeper(purpose: 'requests' | 'watches', session: SessionOptions): SessionKeeper {
    return new SessionKeeper({
      open: (access, signal) => openSession(access, session, signal),
      onConnected: opened => {
        this.#everConnected = true
        this.#connectProblem = ''
        if (purpose === 'requests') this.#places.setPeerLimit(opened.peerLimit)
        this.#emit({ type: 'connected', purpose })
      },
      onConnectFailed: message => {
        this.#connectProblem = message
        this.#emit({ type: 'connectFailed', purpose, message })
      },
      onDisconnected: message => this.#emit({ type: 'disconnected', purpose, message }),
    })
  }

  state(): ApiServerState {
    return {
      connected: this.#requests.connected,
      everConnected: this.#everConnected,
      problem: this.#credentialProblem === '' ? this.#connectProblem : this.#credentialProblem,
      inFlight: this.#places.taken,
      waiting: this.#places.waiting,
      limit: this.#places.limit,
      following: this.#following.size,
      connects: this.#requests.connects + this.#watches.connects,
    }
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    const startedAt = performance.now()
    const deadline = new Deadline(request.timeoutMs ?? this.#timeoutMs)
    const call = new Call(request, deadline)
    this.#calls.add(deadline)
    let response: ApiResponse
    try {
      response = await this.#admit(call)
    } catch (error) {
      // A bug of ours must not become a decision that never ends.
      response = unavailable(`the request failed inside (${error instanceof Error ? error.name : 'error'})`)
    }
    deadline.end()
    this.#calls.delete(deadline)
    const durationMs = performance.now() - startedAt
    const kind: RequestKind = requestKind(request.method, request.path)
    this.#emit({ type: 'answered', kind, outcome: outcomeOf(response), durationMs, attempts: call.attempts })
    return response
  }

  async #admit(call: Call): Promise<ApiResponse> {
    if (this.#closed) return unavailable('the client is closed')
    if (!pathPattern.test(call.request.path)) return malformedRequest
    const entered = this.#places.enter(call.deadline)
    const place = typeof entered === 'string' ? entered : await entered
    if (place === 'full') {
      const { taken, waiting } = this.#places
      const message = `${taken} requests to the API server are under way and ${waiting} wait; raise maxInFlight, or add replicas`
      return { ok: false, reason: 'overloaded', status: undefined, message }
    }
    if (place === 'expired') return this.#expired(call, 'all of it waiting for other requests to finish')
    try {
      return await this.#perform(call)
    } finally {
      this.#places.leave()
    }
  }

  /** Sends it, and once more where that may help. */
  async #perform(call: Call): Promise<ApiResponse> {
    const { request, deadline } = call
    let retried = false
    let refused: { readonly access: ClusterAccess; readonly response: ApiFailure } | undefined
    for (;;) {
      const access = await this.#accessFor(refused?.access, deadline)
      if (access === undefined) return this.#expired(call, 'the credentials were not there in time')
      if (!access.ok) return unavailable(access.message)
      if (access.access === refused?.access) return refused.response // there are no newer credentials
      const kept = this.#requests.get(access.access, deadline)
      const session = kept instanceof Promise ? await kept : kept
      // Whoever waited for a connection that is known to fail is told that: not now one thing and now the other.
      if (!session.ok && session.message !== undefined) return unavailable(session.message)
      if (!session.ok || deadline.expired) return this.#expired(call, 'it was spent on connecting')
      call.attempts++
      const maxBytes = request.maxBytes ?? defaultMaxBytes
      const sent = await exchange(
        session.session,
        requestHeaders(request, access.access),
        request.body,
        maxBytes,
        deadline,
      )
      if (sent.kind === 'expired') return this.#expired(call, 'the API server did not answer')
      const response = responseOf(sent, maxBytes, access.access)
      if (response.ok || response.reason !== 'throttled') this.#places.widen()
      else this.#places.narrow()
      if (response.ok) return response
      if (response.status === 401 && refused === undefined) {
        refused = { access: access.access, response }
        continue
      }
      const again = retried ? undefined : pauseBeforeRetry(sent, response, request)
      if (again === undefined || again >= deadline.leftMs) return response
      retried = true
      if (!(await deadline.pause(again))) return response
    }
  }

  async #accessFor(refused: ClusterAccess | undefined, deadline: Deadline): Promise<AccessResult | undefined> {
    const result = refused === undefined ? this.#access.current() : this.#access.renew(refused)
    return result instanceof Promise ? deadline.within(result) : result
  }

  #expired(call: Call, why: string): ApiFailure {
    if (this.#closed) return unavailable('the client is closed')
    const message = `no answer from the API server within ${call.deadline.totalMs} ms: ${why}`
    return { ok: false, reason: 'timeout', status: undefined, message }
  }

  follow(request: FollowRequest): Following {
    const startedAt = performance.now()
    const following = follow(request, {
      timeoutMs: request.timeoutMs ?? this.#timeoutMs,
      access: this.#access,
      sessions: this.#watches,
      refusal: this.#closed
        ? unavailable('the client is closed')
        : this.#following.size >= mostFollowing
          ? { ok: false, reason: 'overloaded', status: undefined, message: `${mostFollowing} watches are open already` }
          : pathPattern.test(request.path)
            ? undefined
            : malformedRequest,
      onAnswered: (outcome, attempts) => {
        const durationMs = performance.now() - startedAt
        this.#emit({ type: 'answered', kind: 'watch', outcome, durationMs, attempts })
      },
      onEnded: () => this.#following.delete(following),
    })
    this.#following.add(following)
    return following
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const following of [...this.#following]) following.close()
    for (const deadline of [...this.#calls]) deadline.expire()
    this.#access.close()
    this.#requests.close()
    this.#watches.close()
  }
}

class Call {
  attempts = 0
  readonly request: ApiRequest
  readonly deadline: Deadline

  constructor(request: ApiRequest, deadline: Deadline) {
    this.request = request
    this.deadline = deadline
  }
}

/** A longer one would end the connection for everybody. */
const pathPattern = /^\/[\x21-\x7e]{0,16383}$/

const malformedRequest: ApiFailure = {
  ok: false,
  reason: 'refused',
  status: undefined,
  message: 'the path of the request is too long, or holds characters that no path has; put it together with apiPath',
}

function outcomeOf(response: ApiResponse): 'ok' | ApiFailure['reason'] {
  return response.ok ? 'ok' : response.reason
}

function responseOf(
  sent: Exclude<Exchanged, { kind: 'expired' }>,
  maxBytes: number,
  access: ClusterAccess,
): ApiResponse {
  switch (sent.kind) {
    case 'answer':
      return readAnswer(sent.status, sent.headers, sent.body, access)
    case 'tooLarge':
      return malformed(sent.status, `it is larger than ${maxBytes} bytes`)
    case 'broken':
      return unavailable('the connection to the API server broke before the answer was complete')
  }
}
