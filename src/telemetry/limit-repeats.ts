/**
 * Lets through the first `burst` lines of each kind per interval and counts the rest, so that a client that fails over
 * and over cannot fill a disk. Kinds are our own constants; beyond 100 of them they share one counter.
 * @param emit gets the number of lines of this kind that were left out since the last one
 */
export function limitRepeats(
  emit: (kind: string, suppressed: number) => void,
  options: { readonly burst?: number; readonly intervalMs?: number; readonly now?: () => number } = {},
): (kind: string) => void {
  const { burst = 5, intervalMs = 60_000, now = () => performance.now() } = options
  const kinds = new Map<string, { since: number; passed: number; suppressed: number }>()
  return kind => {
    const key = kinds.has(kind) || kinds.size < 100 ? kind : 'other'
    const at = now()
    let state = kinds.get(key)
    if (state === undefined) {
      state = { since: at, passed: 0, suppressed: 0 }
      kinds.set(key, state)
    }
    if (at - state.since >= intervalMs) {
      state.since = at
      state.passed = 0
    }
    if (state.passed >= burst) {
      state.suppressed++
      return
    }
    state.passed++
    const { suppressed } = state
    state.suppressed = 0
    emit(kind, suppressed)
  }
}
