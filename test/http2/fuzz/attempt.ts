import type { Random } from '../../fuzz/random.js'

export interface Judged {
  /** For the counts of the report. */
  readonly outcome: string
  /** What is wrong; undefined when nothing is. `oracle` names what told, so that a smaller attempt can be told to fail alike. */
  readonly failure?: { readonly oracle: string; readonly detail: string }
}

/** Something to be tried, which can be tried again. */
export interface Attempt {
  judge(): Promise<Judged>
  /** The same with something left out, what is worth most first. */
  smaller(): Attempt[]
  /** Enough for a reader to do it by hand. */
  describe(): string
}

export interface Track {
  readonly name: string
  /** How often it is its turn, against others. */
  readonly weight: number
  /** Something that is not ours runs in this process, and what it keeps is not ours to judge. */
  readonly foreign: boolean
  generate(random: Random): Attempt
  close?(): Promise<void>
}

export function ok(outcome: string): Judged {
  return { outcome }
}

export function wrong(oracle: string, detail: string): Judged {
  return { outcome: `FAILED ${oracle}`, failure: { oracle, detail } }
}

/** Every list that lacks one part: halves first, then single ones. */
export function shorter<T>(list: readonly T[]): T[][] {
  const found: T[][] = []
  for (let size = Math.floor(list.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) found.push([...list.slice(0, at), ...list.slice(at + size)])
  }
  return found
}
