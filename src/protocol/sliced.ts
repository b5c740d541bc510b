/** Work that can be put aside for a moment: it yields wherever something else may be done first. */
export type Sliced<T> = Generator<undefined, T, undefined>

/** Does all of it now. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
