/** An error in one line, with what was behind it: `fetch failed` says nothing without its cause. */
export function describeFailure(error: unknown): string {
  const told: string[] = []
  for (let at = error, depth = 0; at !== undefined && depth < 5; depth++) {
    told.push(codeOf(at) + String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return told.join('; because of ')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && error.message === '' ? `${String(error.code)} ` : ''
}
