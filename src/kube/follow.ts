import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import type { ApiFailure, Following, FollowRequest } from './api-server.js'
import type { RequestOutcome } from './api-server-event.js'
import type { ApiSession } from './api-session.js'
import type { AccessSource, ClusterAccess } from './cluster-access.js'
import { Deadline } from './deadline.js'
import { endedWell } from './exchange.js'
import { GatheredBytes } from './gathered-bytes.js'
import { contentProblem, malformed, parseApiJson, readAnswer, unavailable } from './read-answer.js'
import { requestHeaders } from './request-headers.js'
import type { SessionKeeper } from './session-keeper.js'
import { LineSplitter } from './split-lines.js'

export interface FollowContext {
  readonly timeoutMs: number
  readonly access: AccessSource
  readonly sessions: SessionKeeper
  /** Why it cannot even begin. */
  readonly refusal: ApiFailure | undefined
  /** Called once: it has begun, or failed before that. */
  onAnswered(outcome: RequestOutcome, attempts: number): void
  /** Called once, when nothing of it is left. */
  onEnded(): void
}

const defaultMaxLineBytes = 4 * 1024 * 1024
/** Bytes of an answer that is no stream but says why there is none. */
const maxErrorBytes = 64 * 1024

/** Opens a response that comes line by line. Each line is parsed and given away before the next one is looked at. */
export function follow(request: FollowRequest, context: FollowContext): Following {
  const following = new FollowedStream(request, context)
  queueMicrotask(() => void following.run())
  return following
}

class FollowedStream implements Following {
  readonly #request: FollowRequest
  readonly #context: FollowContext
  #deadline: Deadline | undefined
  #stream: ClientHttp2Stream | undefined
  #silence: NodeJS.Timeout | undefined
  #attempts = 0
  #answered = false
  #ended = false

  constructor(request: FollowRequest, context: FollowContext) {
    this.#request = request
    this.#context = context
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#release()
  }

  async run(): Promise<void> {
    if (this.#ended) return
    if (this.#context.refusal !== undefined) return this.#end(this.#context.refusal)
    try {
      const failure = await this.#open(new Deadline(this.#context.timeoutMs))
      if (failure !== undefined) this.#end(failure)
    } catch (error) {
      this.#end(unavailable(`the watch failed inside (${error instanceof Error ? error.name : 'error'})`))
    }
  }

  /** undefined once it flows, or was closed. */
  async #open(deadline: Deadline): Promise<ApiFailure | undefined> {
    this.#deadline = deadline
    const late: ApiFailure = {
      ok: false,
      reason: 'timeout',
      status: undefined,
      message: `the watch was not opened within ${deadline.totalMs} ms`,
    }
    let refused: { readonly access: ClusterAccess; readonly failure: ApiFailure } | undefined
    for (;;) {
      const { access: source, sessions } = this.#context
      const result = refused === undefined ? source.current() : source.renew(refused.access)
      const access = await deadline.within(Promise.resolve(result))
      if (this.#ended) return undefined
      if (access === undefined) return late
      if (!access.ok) return unavailable(access.message)
      if (access.access === refused?.access) return refused.failure // there are no newer credentials
      const session = await sessions.get(access.access, deadline)
      if (this.#ended) return undefined
      if (!session.ok && session.message !== undefined) return unavailable(session.message)
      if (!session.ok || deadline.expired) return late
      this.#attempts++
      const opened = await this.#send(session.session, access.access, deadline)
      if (this.#ended || opened === 'flows') return undefined
      if (opened === 'expired') return late
      if (opened.status !== 401 || refused !== undefined) return opened
      refused = { access: access.access, failure: opened }
    }
  }

  #send(session: ApiSession, access: ClusterAccess, deadline: Deadline): Promise<ApiFailure | 'flows' | 'expired'> {
    return new Promise(resolve => {
      const { path, accept = 'application/json', silenceMs } = this.#request
      const stream = session.open(requestHeaders({ method: 'GET', path, accept }, access), true)
      if (stream === undefined) {
        resolve(unavailable('the connection to the API server broke'))
        return
      }
      this.#stream = stream
      const lines = new LineSplitter(this.#request.maxLineBytes ?? defaultMaxLineBytes)
      const error = new GatheredBytes()
      let headers: IncomingHttpHeaders = {}
      let status = 0
      deadline.onExpiry = () => {
        resolve('expired')
        stream.close(constants.NGHTTP2_CANCEL)
        session.suspect()
      }
      stream.on('response', received => {
        session.heard()
        headers = received
        status = Number(received[':status'] ?? 0)
        if (status !== 200) return
        const problem = contentProblem(received)
        if (problem !== undefined) {
          resolve(malformed(status, problem))
          stream.close(constants.NGHTTP2_CANCEL)
          return
        }
        deadline.end()
        this.#answer('ok')
        void session.roundTrip().then(arrived => {
          if (arrived) return this.#begun()
          this.#end(unavailable('the API server did not answer on the connection of the watch'))
          session.suspect()
        })
        this.#silence = setTimeout(() => {
          this.#end(unavailable(`the watch was silent for ${silenceMs} ms`))
          session.suspect()
        }, silenceMs)
        resolve('flows')
      })
      stream.on('data', (chunk: Buffer) => {
        session.heard()
        this.#silence?.refresh()
        if (status !== 200) {
          if (error.size + chunk.length <= maxErrorBytes) error.add(chunk)
          else stream.close(constants.NGHTTP2_CANCEL)
        } else if (!this.#ended && !lines.push(chunk, line => this.#line(line))) {
          this.#end(malformed(status, 'a line is too long'))
        }
      })
      stream.on('end', () => {
        if (!endedWell(stream) || status === 0) return
        if (status === 200) {
          this.#end(lines.pending === 0 ? undefined : unavailable('the watch ended within a line'))
          return
        }
        const answer = readAnswer(status, headers, error.take(), access)
        resolve(answer.ok ? malformed(status, 'it is no stream') : answer)
      })
      stream.on('error', () => {}) // told by `close`
      stream.on('close', () => {
        const broken = unavailable('the connection of the watch broke', status === 0 ? undefined : status)
        resolve(broken)
        if (status === 200) this.#end(broken)
      })
    })
  }

  #begun(): void {
    if (this.#ended) return
    this.#guard(() => this.#request.onOpen?.())
  }

  /** False once nothing more is wanted. */
  #line(bytes: Buffer): boolean {
    const parsed = parseApiJson(bytes)
    if (!parsed.ok) {
      this.#end(malformed(200, parsed.message))
      return false
    }
    this.#guard(() => this.#request.onLine(parsed.value))
    return !this.#ended
  }

  /** A bug of whoever listens ends this watch, and nothing else. */
  #guard(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#end(malformed(200, `whoever follows it failed (${error instanceof Error ? error.name : 'error'})`))
    }
  }

  #answer(outcome: RequestOutcome): void {
    if (this.#answered) return
    this.#answered = true
    this.#context.onAnswered(outcome, this.#attempts)
  }

  #end(failure: ApiFailure | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#release()
    this.#answer(failure === undefined ? 'ok' : failure.reason)
    try {
      this.#request.onEnd(failure)
    } catch {
      // there is nobody left to tell
    }
  }

  #release(): void {
    this.#deadline?.expire()
    clearTimeout(this.#silence)
    this.#stream?.close(constants.NGHTTP2_CANCEL)
    this.#context.onEnded()
  }
}
