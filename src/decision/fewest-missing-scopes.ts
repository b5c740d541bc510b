/**
 * The smallest set of scopes that a token would have to gain so that scopes are no longer what is missing.
 *
 * Each question is one thing that needs a Grant (a target of the call, for one principal); its alternatives are the scope
 * lists of the Grants that would give it. Fewest missing scopes win; of equally many, the first in the order of their
 * names, so that no order of documents or questions matters. Sorted. undefined when a question has no alternative.
 *
 * Exact as long as few sets are incomparable, as with all Grants that people write; beyond, sufficient, perhaps not
 * smallest, because the time that it takes is bounded.
 */
export function fewestMissingScopes(
  questions: readonly (readonly (readonly string[])[])[],
  held: readonly string[],
): readonly string[] | undefined {
  const distinct = new Map<string, readonly (readonly string[])[]>()
  for (const alternatives of questions) {
    const missing = smallest(
      alternatives.map(scopes => scopes.filter(scope => !held.includes(scope))),
      maxKept,
    )
    distinct.set(JSON.stringify(missing), missing)
  }
  const width = Math.max(1, Math.floor(maxKept / Math.max(1, distinct.size)))
  let kept: readonly (readonly string[])[] = [[]]
  for (const missing of distinct.values()) {
    const both = kept.flatMap(scopes => missing.slice(0, width).map(more => [...scopes, ...more]))
    kept = smallest(both, width)
  }
  return kept[0]
}

/** Sets that are followed up at once, all questions together. */
const maxKept = 128

/** Without repeats and without sets that hold another one, the smallest first. Scopes have no spaces (RFC 6749, 3.3). */
function smallest(sets: readonly (readonly string[])[], limit: number): readonly (readonly string[])[] {
  const distinct = new Map<string, readonly string[]>()
  for (const set of sets) {
    const sorted = [...new Set(set)].sort()
    distinct.set(sorted.join(' '), sorted)
  }
  const ordered = [...distinct].sort(([a, as], [b, bs]) => as.length - bs.length || (a < b ? -1 : 1))
  const kept: (readonly string[])[] = []
  for (const [, set] of ordered) {
    if (kept.length === limit) break
    if (!kept.some(less => less.every(scope => set.includes(scope)))) kept.push(set)
  }
  return kept
}
