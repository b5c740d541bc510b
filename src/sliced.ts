/** Work that can be put aside for a moment: it yields wherever something else may be done first. */
export type Sliced<T> = Generator<undefined, T, undefined>

/** Does all of it now. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Others wait no longer than about so long. Milliseconds. */
const sliceMs = 8

/**
 * Does it in slices of about 8 ms, the first of them now, and gives way to everything else in between: an index of 50,000
 * objects takes a second on a busy machine, during which nobody would be answered.
 * @returns what ends it; `onDone` is not called after that
 */
export function inSlices<T>(work: Sliced<T>, onDone: (result: T) => void): () => void {
  let next: NodeJS.Immediate | undefined
  const slice = () => {
    next = undefined
    const end = performance.now() + sliceMs
    do {
      const step = work.next()
      if (step.done === true) return onDone(step.value)
    } while (performance.now() < end)
    next = setImmediate(slice)
  }
  slice()
  return () => clearImmediate(next)
}

/** Objects between two places where work may be put aside: small enough for a slice, and large enough to cost nothing. */
const stride = 64

/** Each of many, with a place to put the work aside every now and then. */
export function* forEachSliced<T>(items: Iterable<T>, act: (item: T, at: number) => void): Sliced<void> {
  let at = 0
  for (const item of items) {
    act(item, at)
    at++
    if (at % stride === 0) yield
  }
}

/** Sorted as `sort` does, stable; `items` stay as they are. */
export function* sortSliced<T extends object>(items: readonly T[], compare: (a: T, b: T) => number): Sliced<T[]> {
  const run = 8 * stride
  let sorted: T[][] = []
  for (let from = 0; from < items.length; from += run) {
    sorted.push(items.slice(from, from + run).sort(compare))
    yield
  }
  while (sorted.length > 1) {
    const longer: T[][] = []
    for (let at = 0; at < sorted.length; at += 2)
      longer.push(yield* merge(sorted[at] ?? [], sorted[at + 1] ?? [], compare))
    sorted = longer
  }
  return sorted[0] ?? []
}

function* merge<T extends object>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Sliced<T[]> {
  const merged: T[] = []
  let from = 0
  for (const [at, item] of left.entries()) {
    for (let next = right[from]; next !== undefined && compare(next, item) < 0; next = right[++from]) merged.push(next)
    merged.push(item)
    if (at % stride === 0) yield
  }
  return merged.concat(right.slice(from))
}
