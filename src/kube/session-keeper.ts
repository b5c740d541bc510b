import type { ApiSession, OpenedSession } from './api-session.js'
import type { ClusterAccess } from './cluster-access.js'
import type { Deadline } from './deadline.js'

export type KeptSession =
  | { readonly ok: true; readonly session: ApiSession }
  /** Why there is none; undefined: the time ran out before it is known whether there will be one. */
  | { readonly ok: false; readonly message: string | undefined }

export interface KeeperOptions {
  /** @param signal aborted when it is no longer wanted */
  open(access: ClusterAccess, signal: AbortSignal): Promise<OpenedSession>
  onConnected(session: ApiSession): void
  onConnectFailed(message: string): void
  onDisconnected(message: string): void
}

/** A session that ends sooner than this counts as one that could not be opened. Milliseconds. */
const youngMs = 1000
const firstPauseMs = 50
const longestPauseMs = 5000
const closed = 'the client is closed'

/**
 * Keeps one session: opened when it is asked for, by one attempt at a time, after pauses that double from 50 ms to 5 s, with
 * jitter. Sessions that take nothing new finish what they have beside the new one.
 */
export class SessionKeeper {
  /** How often a session was opened. */
  connects = 0
  readonly #options: KeeperOptions
  readonly #sessions = new Set<ApiSession>()
  #current: ApiSession | undefined
  #connecting: Promise<KeptSession> | undefined
  #failures = 0
  #notBefore = 0
  /** Of the attempts since the last one that succeeded. */
  #lastFailure: string | undefined
  readonly #ending = new AbortController()

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  get connected(): boolean {
    return this.#current?.usable === true
  }

  /** The session for this access: at once if it stands. Waits no longer than the deadline (then: the failure that is known, if any). */
  get(access: ClusterAccess, deadline: Deadline): KeptSession | Promise<KeptSession> {
    const session = this.#current
    // One that was made with newer access serves those that still hold the older one, too.
    if (session?.usable && session.generation >= access.generation) return { ok: true, session }
    return this.#wait(access, deadline)
  }

  async #wait(access: ClusterAccess, deadline: Deadline): Promise<KeptSession> {
    for (;;) {
      if (this.#ending.signal.aborted) return { ok: false, message: closed }
      const session = this.#current
      if (session?.usable) {
        if (session.generation >= access.generation) return { ok: true, session }
        session.retire('the address or the certificates have changed')
      }
      const pause = this.#notBefore - performance.now()
      if (this.#connecting === undefined && pause > 0) {
        if (pause >= deadline.leftMs || !(await deadline.pause(pause))) return this.#none()
        continue
      }
      this.#connecting ??= this.#connect(access).finally(() => {
        this.#connecting = undefined
      })
      const connected = await deadline.within(this.#connecting)
      if (connected === undefined) return this.#none()
      if (!connected.ok || connected.session.generation >= access.generation) return connected
    }
  }

  #none(): KeptSession {
    return { ok: false, message: this.#ending.signal.aborted ? closed : this.#lastFailure }
  }

  async #connect(access: ClusterAccess): Promise<KeptSession> {
    const opened = await this.#options.open(access, this.#ending.signal)
    if (!opened.ok) {
      this.#failed(opened.message)
      if (!this.#ending.signal.aborted) this.#options.onConnectFailed(opened.message)
      return opened
    }
    const { session } = opened
    if (this.#ending.signal.aborted) {
      session.destroy(closed)
      return { ok: false, message: closed }
    }
    this.connects++
    this.#lastFailure = undefined
    this.#current = session
    this.#sessions.add(session)
    session.onEnd = message => this.#ended(session, message)
    session.onClosed = () => this.#sessions.delete(session)
    this.#options.onConnected(session)
    return { ok: true, session }
  }

  #ended(session: ApiSession, message: string): void {
    if (this.#current === session) this.#current = undefined
    if (performance.now() - session.openedAt < youngMs)
      this.#failed(`the connection to the API server ended at once: ${message}`)
    else this.#failures = 0
    if (!this.#ending.signal.aborted) this.#options.onDisconnected(message)
  }

  #failed(message: string): void {
    this.#lastFailure = message
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures, 10))
    this.#failures++
    this.#notBefore = performance.now() + pause * (0.5 + 0.5 * Math.random())
  }

  close(): void {
    this.#ending.abort()
    for (const session of [...this.#sessions]) session.destroy(closed)
    this.#sessions.clear()
  }
}
