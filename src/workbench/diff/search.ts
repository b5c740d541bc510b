import type { Dimension, Vector } from './dimension.js'
import { compareSides, describeSide, type JudgeSide, type SideOutcome } from './judge-side.js'
import { below, type Random, shuffled } from './random.js'
import { type Overlay, openingOf, pairsOf, type RecipeOptions, recipeOf } from './recipe.js'
import { makeCall, type Target, type TargetRule } from './target.js'

/** What both sets say of one call. */
export interface JudgedPair {
  readonly vector: Vector
  readonly before: SideOutcome
  readonly after: SideOutcome
}

/** Calls kept to start others from, for each target. */
const mostKept = 40
/** Candidates waiting at most at each stage; what is beyond comes again by chance. */
const mostWaiting = 5_000

/**
 * Looks for calls of one target that two sets of policies judge differently. Not blindly: whatever came out in a way not
 * seen before is kept, every neighbour of it is tried (one thing changed), and then every pair of things, laid over those
 * that came furthest. So that what only shows behind three conditions is met on the way.
 */
export class TargetSearch {
  readonly target: Target
  readonly #judges: readonly [JudgeSide, JudgeSide]
  readonly #random: Random
  readonly #seen = new Set<string>()
  readonly #kept = new Map<string, JudgedPair>()
  readonly #signatures = new Set<string>()
  /** By how far the call came from which they are. */
  readonly #waiting: Vector[][] = []
  readonly #sources: readonly (() => Vector | undefined)[]
  #changed: Iterator<Overlay>
  readonly #others: Iterator<Overlay>
  readonly #pairs: Iterator<Overlay>
  #furthest = -1

  constructor(target: Target, judges: readonly [JudgeSide, JudgeSide], random: Random) {
    this.target = target
    this.#judges = judges
    this.#random = random
    this.#wait([this.#plainest()], 0)
    const { dimensions } = target
    const opening = openingOf(dimensions, target.bound, random).values()
    const gives = this.#recipes(({ words }) => words.kind === 'Grant', { most: 120, values: 3 })
    this.#changed = this.#recipes(({ changed }) => changed, thorough)
    this.#others = this.#recipes(({ changed }) => !changed, { most: 60, values: 3 })
    this.#pairs = pairsOf(dimensions, random)
    this.#sources = [
      // Over nothing else: whatever came far until then may be complete in nothing but who asks.
      () => this.#laidOver(gives, this.#plainest()),
      () => this.#laidOver(opening, this.#plainest()),
      () => this.#laidOver(this.#changed),
      () => this.#waiting.findLast(stage => stage.length > 0)?.pop(),
    ]
  }

  /** Whether every pair of choices was tried. */
  get exhausted(): boolean {
    return this.#done
  }
  #done = false

  /** The next call that was not judged before; undefined when there is none. */
  async next(): Promise<JudgedPair | undefined> {
    for (;;) {
      const vector = this.#nextVector()
      if (vector === undefined) {
        this.#done = true
        return undefined
      }
      const key = vector.join()
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      const judged = await this.judge(vector)
      this.#keep(judged)
      return judged
    }
  }

  /** What rules and permissions ask for comes in turn with what is near to what was found, until all of it was tried. */
  #nextVector(): Vector | undefined {
    for (const _ of this.#sources) {
      this.#turn = (this.#turn + 1) % this.#sources.length
      const vector = this.#sources[this.#turn]?.()
      if (vector !== undefined) return vector
    }
    this.#settled = true
    return this.#laidOver(this.#others) ?? this.#laidOver(this.#pairs)
  }
  #turn = 0

  /** Whether only pairs are left, of which few find anything. */
  get settled(): boolean {
    return this.#settled
  }
  #settled = false

  #recipes(of: (rule: TargetRule) => boolean, options: RecipeOptions): Iterator<Overlay> {
    const { dimensions, rules } = this.target
    return rules
      .filter(of)
      .flatMap(({ words }) => recipeOf(dimensions, words, this.#random, options))
      .values()
  }

  async judge(vector: Vector): Promise<JudgedPair> {
    const call = makeCall(this.target, vector)
    const [old, candidate] = this.#judges
    const first = old(this.target, call)
    const before = first instanceof Promise ? await first : first
    const second = candidate(this.target, call)
    const after = second instanceof Promise ? await second : second
    return { vector, before, after }
  }

  /**
   * The same difference with as little as possible: each choice that is not the plainest is taken back, or replaced by one that
   * comes before it, as long as both sets go on saying what they said.
   */
  async shrink(found: JudgedPair): Promise<JudgedPair> {
    const wanted = signatureOf(found)
    let smallest = found
    for (let again = true; again; ) {
      again = false
      for (const index of smallest.vector.keys()) {
        for (let plain = 0; plain < (smallest.vector[index] ?? 0); plain++) {
          const plainer = await this.judge(smallest.vector.with(index, plain))
          if (signatureOf(plainer) !== wanted) continue
          smallest = plainer
          again = true
        }
      }
    }
    return smallest
  }

  #keep(judged: JudgedPair): void {
    const { vector } = judged
    const progress = progressOf(judged)
    const signature = signatureOf(judged)
    const who = progress >= furthest ? this.#whoOf(vector) : ''
    const key = `${signature} ${who}`
    if (this.#kept.has(key) || this.#kept.size >= mostKept) return
    this.#kept.set(key, judged)
    // What changed is tried again on a call that comes further than all before.
    if (progress > this.#furthest) this.#changed = this.#recipes(({ changed }) => changed, thorough)
    this.#furthest = Math.max(this.#furthest, progress)
    // Somebody else who comes as far is most likely told apart by what he is permitted, and by nothing else.
    const isNew = !this.#signatures.has(signature)
    this.#signatures.add(signature)
    const neighbours = this.#neighbours(vector, isNew ? () => true : ({ opens }) => opens)
    this.#wait(shuffled(this.#random, neighbours), progress)
  }

  /** Somebody else who is allowed as much is a start of his own. */
  #whoOf(vector: Vector): string {
    return this.target.dimensions
      .flatMap(({ who, name }, index) => (who && (name === 'user' || name === 'group') ? [vector[index] ?? 0] : []))
      .join()
  }

  /** The last ones of the furthest stage are taken first, so that a find is followed at once. */
  #wait(vectors: readonly Vector[], progress: number): void {
    const stage = Math.max(0, progress)
    while (this.#waiting.length <= stage) this.#waiting.push([])
    const room = mostWaiting - (this.#waiting[stage]?.length ?? 0)
    if (room > 0) this.#waiting[stage]?.push(...vectors.slice(0, room))
  }

  #neighbours(vector: Vector, along: (dimension: Dimension) => boolean): readonly Vector[] {
    return this.target.dimensions.flatMap((one, index) =>
      along(one)
        ? one.choices.flatMap((_, chosen) => (chosen === vector[index] ? [] : [vector.with(index, chosen)]))
        : [],
    )
  }

  #laidOver(overlays: Iterator<Overlay>, start?: Vector): Vector | undefined {
    const next = overlays.next()
    if (next.done === true) return undefined
    return next.value.reduce((vector, [index, chosen]) => vector.with(index, chosen), start ?? this.#start())
  }

  #plainest(): Vector {
    return this.target.dimensions.map(() => 0)
  }

  /** One of those that came furthest, mostly. */
  #start(): Vector {
    const kept = [...this.#kept.values()]
    const far = Math.max(...kept.map(progressOf))
    const best = this.#random() < 0.8 ? kept.filter(one => progressOf(one) === far) : kept
    return best[below(this.#random, best.length)]?.vector ?? this.#plainest()
  }
}

const thorough: RecipeOptions = { most: 400, values: 8 }

/** Guardrails: whoever comes so far was given the call. */
const furthest = 7

function progressOf({ before, after }: JudgedPair): number {
  return Math.max(before.progress, after.progress)
}

export function signatureOf({ before, after }: JudgedPair): string {
  return `${compareSides(before, after)} ${describeSide(before, after)} -> ${describeSide(after, before)}`
}
