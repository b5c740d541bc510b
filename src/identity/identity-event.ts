/** What happens behind the requests and an operator should know. Holds no tokens, no claims, no key material. */
export type IdentityEvent =
  /** The first set of keys of an issuer, or another set than before. */
  | { readonly kind: 'keys_loaded'; readonly issuer: string; readonly keys: number }
  /** A load failed; the last good set stays. `failures` counts those in a row. */
  | { readonly kind: 'keys_failed'; readonly issuer: string; readonly message: string; readonly failures: number }
  /** The last good set is too old (milliseconds); requests are now answered with dependency.keys_unavailable. */
  | { readonly kind: 'keys_stale'; readonly issuer: string; readonly age: number }
  /** The API server of a cluster could not say, or said in a way that cannot be relied on, whom a token speaks for. */
  | { readonly kind: 'review_failed'; readonly issuer: string; readonly cluster: string; readonly message: string }
