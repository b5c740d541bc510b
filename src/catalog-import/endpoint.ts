/** Where an MCP server listens and how to talk to it; made by the command line, which has checked the address. */
export interface Endpoint {
  /** http or https, without credentials. */
  readonly url: string
  /** Lower-case names; sent with every request, `authorization` among them. */
  readonly headers: Readonly<Record<string, string>>
  /** PEM; replaces the system's roots. */
  readonly certificateAuthority: string | undefined
}

export interface ListLimits {
  /** Milliseconds for everything together. Default 30,000. */
  readonly timeoutMs?: number
  /** Bytes of one answer. Default 8 MiB. */
  readonly answerBytes?: number
  /** Bytes of all answers together. Default 32 MiB. */
  readonly totalBytes?: number
  /** Pages of one list. Default 100. */
  readonly pages?: number
  /** Entries of one list. Default 2,000. */
  readonly entries?: number
}

export const defaultListLimits = {
  timeoutMs: 30_000,
  answerBytes: 8 * 1024 * 1024,
  totalBytes: 32 * 1024 * 1024,
  pages: 100,
  entries: 2000,
} as const
