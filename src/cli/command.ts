/** What a command may touch, so that tests can run it in process. */
export interface CommandIo {
  /** Data, to stdout; a line end is added. */
  out(text: string): void
  /** Diagnostics, to stderr; a line end is added. */
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted when the user or the system asks the process to end. */
  readonly signal: AbortSignal
}

/** 0 fine · 1 usage or runtime error · 2 findings · 3 does not compile. */
export type ExitCode = 0 | 1 | 2 | 3

export interface Command {
  readonly name: string
  /** One line for the overview. */
  readonly summary: string
  /** The whole help text. */
  readonly help: string
  run(args: readonly string[], io: CommandIo): Promise<ExitCode>
}

/** The command line cannot be understood; the message says what to write instead. */
export class UsageError extends Error {}
