import type { CelProgram } from '../cel/environment.js'

/** Where a user attribute comes from. */
export type ClaimSource =
  | { readonly kind: 'claim'; readonly claim: string; readonly prefix: string }
  | {
      readonly kind: 'expression'
      readonly program: CelProgram
      /** The same with marks at reserved names that it says itself (explicit-names.ts). */
      readonly marked: CelProgram | undefined
    }

export type ClaimRule =
  | { readonly kind: 'required'; readonly claim: string; readonly value: string }
  | { readonly kind: 'expression'; readonly program: CelProgram; readonly message: string }

/** One entry of `jwt` of an AuthenticationConfiguration, compiled. */
export interface IssuerConfiguration {
  /** Compared with `iss` as a string, never normalised. */
  readonly url: string
  readonly discoveryUrl: string | undefined
  /** PEM; replaces the system's roots for this issuer. */
  readonly certificateAuthority: string | undefined
  readonly audiences: readonly string[]
  readonly username: ClaimSource
  readonly groups: ClaimSource | undefined
  readonly uid: ClaimSource | undefined
  readonly extra: readonly { readonly key: string; readonly program: CelProgram }[]
  readonly claimRules: readonly ClaimRule[]
  readonly userRules: readonly { readonly program: CelProgram; readonly message: string }[]
}
