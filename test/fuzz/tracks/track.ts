import type { FuzzInput, Judged, TrackName } from '../fuzz-input.js'
import type { Random } from '../random.js'
import type { Subject } from '../subject.js'

/** One kind of input: where it comes from and how it is judged. */
export interface Track {
  readonly name: TrackName
  /** How often its turn comes, beside the others. */
  readonly weight: number
  generate(random: Random): FuzzInput
  judge(input: FuzzInput, subject: Subject): Judged | Promise<Judged>
  close?(): Promise<void>
}

/** A judgement by oracles that are asked in turn; the first that disagrees counts. */
export function judgeBy(
  outcome: string,
  oracles: readonly (readonly [name: string, ask: () => string | undefined])[],
): Judged {
  for (const [oracle, ask] of oracles) {
    const detail = ask()
    if (detail !== undefined) return { outcome, asked: oracles.map(([name]) => name), disagreement: { oracle, detail } }
  }
  return { outcome, asked: oracles.map(([name]) => name), disagreement: undefined }
}
