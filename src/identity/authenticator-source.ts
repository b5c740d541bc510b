import type { AuthenticationConfiguration } from './authentication-configuration.js'
import type { Authenticator } from './authenticator.js'
import type { Compilation } from './compilation.js'
import { createAuthenticator } from './create-authenticator.js'
import { DpopVerifier } from './dpop/dpop-verifier.js'
import { combineIdentity } from './identity-configuration.js'
import type { IdentityDocument } from './identity-document.js'
import { KeyRing, type KeyRingOptions } from './key-ring.js'
import type { KeySetState } from './key-set.js'
import type { ClusterConnections } from './load-keys.js'
import { type TokenCounts, TokenVerifier } from './token-verifier.js'

export interface AuthenticatorSourceOptions extends KeyRingOptions {
  /**
   * The clusters that have a connection, by name; undefined for one that is not open here (`check`). Left out, the names that
   * documents use are not compared with them, and none can be asked.
   */
  readonly clusters?: ClusterConnections
  /** Bytes of memory that verified tokens, and what is made of them, may take in this process. Default 64 MiB. */
  readonly cacheBytes?: number
}

export interface IdentityState {
  readonly tokens: TokenCounts & {
    /** Verified tokens that are remembered, and the bytes of memory that they take, estimated. */
    readonly kept: number
    readonly keptBytes: number
    /** Verifications under way. */
    readonly pending: number
  }
  readonly keys: readonly KeySetState[]
}

/**
 * Makes the authenticators of one process. The documents may change; keys and verified tokens live on, and documents
 * that did not change give the authenticator that they gave before.
 */
export class AuthenticatorSource {
  readonly #keyRing: KeyRing
  readonly #verifier: TokenVerifier
  readonly #dpop: DpopVerifier
  readonly #options: AuthenticatorSourceOptions
  #made:
    | {
        readonly inputs: readonly unknown[]
        readonly authenticator: Authenticator
        readonly result: Compilation<Authenticator>
      }
    | undefined
  #started: Promise<void> = Promise.resolve()

  constructor(options: AuthenticatorSourceOptions) {
    this.#options = options
    this.#keyRing = new KeyRing(options)
    const { now, cacheBytes } = options
    this.#verifier = new TokenVerifier({ now, ...(cacheBytes !== undefined && { maxBytes: cacheBytes }) })
    this.#dpop = new DpopVerifier({ now })
  }

  /** The authenticator of these documents, started. Documents that contradict each other give the one in force before. */
  for(
    configurations: readonly AuthenticationConfiguration[],
    identity: IdentityDocument | undefined,
  ): Compilation<Authenticator> {
    const inputs = [...configurations, identity]
    const before = this.#made
    if (before?.inputs.length === inputs.length && inputs.every((input, index) => input === before.inputs[index]))
      return before.result
    const { value: configuration, findings } = combineIdentity(configurations, identity, this.#options.clusters)
    if (configuration === undefined) return { value: before?.authenticator, findings }
    const authenticator = createAuthenticator({
      configuration,
      keyRing: this.#keyRing,
      verifier: this.#verifier,
      dpop: this.#dpop,
      ...this.#options,
    })
    // The new one takes hold of the key sets before the old one lets go, so that none is loaded twice.
    this.#started = authenticator.start()
    before?.authenticator.stop()
    const result = { value: authenticator, findings }
    this.#made = { inputs, authenticator, result }
    return result
  }

  /** Resolves when every issuer's keys were tried once. */
  started(): Promise<void> {
    return this.#started
  }

  /** For metrics. */
  get state(): IdentityState {
    const { tokens, bytes, pending } = this.#verifier.size
    return { tokens: { ...this.#verifier.counts, kept: tokens, keptBytes: bytes, pending }, keys: this.#keyRing.states }
  }

  stop(): void {
    this.#made?.authenticator.stop()
    this.#made = undefined
  }
}
