export interface LoggedError {
  /** Class name, e.g. `TypeError`. */
  readonly type: string
  /** `code` of system errors, e.g. `ECONNREFUSED`. */
  readonly code: string | undefined
  /** Where it was thrown; file names and lines only. */
  readonly at: readonly string[]
}

const maxFrames = 12

/**
 * What of an error may be logged: its type, its code and its place. Not its message, because parsers and libraries
 * quote their input in it, and their input is tokens and arguments.
 */
export function toLoggedError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, code: undefined, at: [] }
  const code =
    'code' in error && typeof error.code === 'string' && /^[A-Z0-9_]{1,64}$/.test(error.code) ? error.code : undefined
  // A message may span lines, and one of them may look like a frame: skip past it before looking for frames.
  const stack = error.stack ?? ''
  const behind = error.message === '' ? 0 : stack.indexOf(error.message) + error.message.length
  const at = stack
    .slice(Math.max(0, behind))
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.startsWith('at '))
    .slice(0, maxFrames)
  return { type: error.constructor.name, code, at }
}
