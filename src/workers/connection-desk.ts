import type { Socket } from 'node:net'

/** Who can be given a connection. */
export interface ConnectionTaker {
  readonly isOpen: boolean
  /** What one that is ready has reasons for it refuses. */
  readonly state: { readonly ready: boolean; readonly reasons: readonly string[] }
  /** How many it has. */
  readonly connections: number
  give(id: number, listener: number, connection: Socket): void
}

interface Held {
  readonly listener: number
  readonly connection: Socket
  /** undefined while nobody is there to take it. */
  taker: ConnectionTaker | undefined
  /** When it was given, by a clock that is never set back. */
  givenAt: number
  readonly timer: NodeJS.Timeout
}

/** Milliseconds after which a worker that has not taken what it was given has enough to do. */
const slowAfterMs = 200

export interface ConnectionDeskOptions {
  takers(): readonly ConnectionTaker[]
  /** Connections that wait for a taker at most; further ones are closed. Default 1024. */
  readonly maxHeld?: number
  /** Milliseconds until a connection that nobody has taken is closed. Default 5000: gateways give up before. */
  readonly patienceMs?: number
}

/**
 * Gives each connection to the worker that has the fewest: gateways keep few and long ones, which turns would not spread. A
 * connection is ours until a worker says that it has it; of one that dies before it has said so, or has closed its doors,
 * it goes to another, unread. (node:cluster loses such a connection: it is neither answered nor closed.)
 */
export class ConnectionDesk {
  readonly #options: ConnectionDeskOptions
  readonly #held = new Map<number, Held>()
  #lastId = 0
  #closed = false

  constructor(options: ConnectionDeskOptions) {
    this.#options = options
  }

  add(listener: number, connection: Socket): void {
    if (this.#closed || this.#held.size >= (this.#options.maxHeld ?? 1024)) {
      connection.destroy()
      return
    }
    // Its end belongs to whoever has it.
    connection.on('error', () => undefined)
    const id = ++this.#lastId
    const timer = setTimeout(() => this.#drop(id), this.#options.patienceMs ?? 5_000).unref()
    const held: Held = { listener, connection, taker: undefined, givenAt: 0, timer }
    this.#held.set(id, held)
    this.#give(id, held)
  }

  /** A worker has it (true), or did not want it. */
  given(id: number, taken: boolean): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    // Only our copy of it is closed: no packet says so.
    if (taken) this.#drop(id)
    else {
      held.taker = undefined
      this.#give(id, held)
    }
  }

  /** Somebody opened, or has ended. */
  changed(): void {
    for (const [id, held] of this.#held) {
      if (held.taker?.isOpen === false) held.taker = undefined
      if (held.taker === undefined) this.#give(id, held)
    }
  }

  close(): void {
    this.#closed = true
    for (const id of this.#held.keys()) this.#drop(id)
  }

  #give(id: number, held: Held): void {
    if (held.connection.destroyed) {
      this.#drop(id)
      return
    }
    const open = this.#options.takers().filter(({ isOpen }) => isOpen)
    const ready = preferring(open, ({ state }) => state.ready)
    const slow = this.#slowOnes()
    const quick = preferring(ready, taker => !slow.has(taker))
    const [first, ...others] = preferring(quick, ({ state }) => state.reasons.length === 0)
    if (first === undefined) return
    const taker = others.reduce((best, one) => (one.connections < best.connections ? one : best), first)
    held.taker = taker
    held.givenAt = performance.now()
    taker.give(id, held.listener, held.connection)
  }

  /** Hung, or behind: what they were given cannot be taken back, since they may still take it. */
  #slowOnes(): ReadonlySet<ConnectionTaker | undefined> {
    const before = performance.now() - slowAfterMs
    return new Set([...this.#held.values()].filter(({ givenAt }) => givenAt < before).map(({ taker }) => taker))
  }

  #drop(id: number): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    clearTimeout(held.timer)
    this.#held.delete(id)
    held.connection.destroy()
  }
}

/** Those that are as they should be, if there are any. */
function preferring<T>(all: readonly T[], isGood: (one: T) => boolean): readonly T[] {
  const good = all.filter(isGood)
  return good.length > 0 ? good : all
}
