/** What is kept of a log, however long it is. */
export interface SuggestLimits {
  /** Callers of one Server; two sets of groups of one user are two. */
  readonly callers: number
  /** Who did what, each pair once, of all Servers together. */
  readonly uses: number
  /** Servers. */
  readonly servers: number
  /** Arguments of one tool that are looked at. */
  readonly arguments: number
  /** Values of one argument that are told apart. */
  readonly values: number
  /** Names of objects that a rule of RBAC lists; more of them, and it is about any. */
  readonly names: number
}

export const suggestLimits: SuggestLimits = {
  callers: 10_000,
  uses: 200_000,
  servers: 256,
  arguments: 48,
  values: 8,
  names: 8,
}
