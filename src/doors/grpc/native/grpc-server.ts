import type { BidiStreamHandler, GrpcService, ServerStreamHandler, UnaryHandler } from '../grpc-transport.js'

export type GrpcMethod =
  | { readonly kind: 'unary'; readonly handler: UnaryHandler }
  | { readonly kind: 'serverStream'; readonly handler: ServerStreamHandler }
  | { readonly kind: 'bidi'; readonly handler: BidiStreamHandler }

/** What all calls of a transport share. */
export interface GrpcServer {
  readonly methods: ReadonlyMap<string, GrpcMethod>
  /** Bytes of a message. */
  readonly maxReceiveBytes: number
  readonly calls: CallCounter
}

/** Counts calls that a drain waits for. */
export class CallCounter {
  #count = 0
  readonly #waiting = new Set<() => void>()

  enter(): void {
    this.#count++
  }

  leave(): void {
    this.#count--
    if (this.#count === 0) for (const wake of this.#waiting) wake()
  }

  /** Resolves when there are none, or after `limitMs`, to how many there are. */
  idle(limitMs: number): Promise<number> {
    if (this.#count === 0) return Promise.resolve(0)
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve(this.#count)
      }
      const timer = setTimeout(done, limitMs)
      this.#waiting.add(done)
    })
  }
}

export function methodsOf(services: readonly GrpcService[]): ReadonlyMap<string, GrpcMethod> {
  const methods = new Map<string, GrpcMethod>()
  for (const { unary, serverStreams, bidiStreams } of services) {
    for (const [path, handler] of unary) methods.set(path, { kind: 'unary', handler })
    for (const [path, handler] of serverStreams ?? []) methods.set(path, { kind: 'serverStream', handler })
    for (const [path, handler] of bidiStreams ?? []) methods.set(path, { kind: 'bidi', handler })
  }
  return methods
}
