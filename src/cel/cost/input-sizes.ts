import type { SizeRange } from './range.js'

/** What a value of unknown type may be. */
export type Kind = 'text' | 'list' | 'map'

/**
 * How large inputs are. A path begins with a variable; `@items`, `@keys` and `@values` are the parts of lists and maps, as in
 * cel-go. All values of one evaluation are read from JSON of at most `inputBytes`, unless `of` says otherwise.
 */
export interface InputSizes {
  /** A text has at most as many characters, a list (`[1,1,1]`) half as many elements, a map (`{"":1}`) a quarter as many entries. */
  readonly inputBytes: number
  /** What is known of the value at a path, if it is of a kind; undefined where nothing is. */
  readonly of?: (path: readonly string[], kind: Kind) => SizeRange | undefined
  /**
   * Whether to reckon with what is ordinary instead of the worst: what is looked for in a text, and patterns that come with
   * data, have at most 64 characters; parts that a text is split into have eight; what is compared within lists is short.
   */
  readonly ordinary?: boolean
  /** Units of one question to the authorizer, which each set prices (library-sets.ts). Default: as Kubernetes, 350,000. */
  readonly checkPrice?: number
}

/** Envoy's usual limit for a body that it buffers, which one message then cannot exceed. */
export const defaultInputBytes = 65_536

/** The worst that a message can be. */
export const worstSizes: InputSizes = { inputBytes: defaultInputBytes }

/**
 * A large message as people send them: texts of 16,384 characters, lists of 128 with texts of 128, in whose elements there are lists of 8, and
 * in those again lists of 2 — 2048 elements in all, for which 64 KiB leave 32 bytes each. More is possible; it is no reason
 * to warn.
 */
export const ordinarySizes: InputSizes = {
  inputBytes: defaultInputBytes,
  ordinary: true,
  of: (path, kind) => {
    const within = path.reduce((count, step) => count + (step === '@items' || step === '@values' ? 1 : 0), 0)
    const key = path.at(-1) === '@keys'
    const sizes = kind === 'text' ? (key ? keys : texts) : elements
    return { min: 0, max: sizes[Math.min(within, 3)] ?? 0 }
  },
}

const texts = [16_384, 128, 64, 32]
const keys = [64, 64, 32, 32]
const elements = [128, 8, 2, 2]

/** Characters of what is ordinarily looked for, and of parts of a text. */
export const ordinaryLengths = { wanted: 64, part: 8 } as const
