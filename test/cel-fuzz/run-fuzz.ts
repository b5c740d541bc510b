import fc from 'fast-check'
import type { Engine } from './engine.js'
import type { FuzzCase, Judged, TrackName } from './fuzz-case.js'
import { minimise } from './minimise.js'
import { createTracks, type Track } from './tracks.js'

export interface FuzzOptions {
  readonly seed: number
  readonly corpus: readonly string[]
  readonly engine: Engine
  /** Whether to begin another round; a round tries `roundSize` cases of one track. */
  more(round: number): boolean
  /** Default: all. */
  readonly only?: TrackName
  /** Default: the first. A round depends on the seed and its number only. */
  readonly first?: number
  /** How long a finding is made smaller, twice: some are slow. Default: 20 seconds. */
  readonly patienceMs?: number
  /** Before each case. */
  onCase?(iteration: number): void
}

export interface FuzzReport {
  readonly seed: number
  readonly rounds: number
  readonly iterations: number
  /** By track, how often each outcome came. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly found: Found | undefined
}

export interface Found {
  readonly track: TrackName
  readonly round: number
  readonly problem: string
  readonly smallest: FuzzCase
}

export const roundSize = 200

/** Tries cases until one is judged wrong, or `more` says that it was enough. */
export function runFuzz(options: FuzzOptions): FuzzReport {
  const { seed, corpus, engine, only, first = 0, patienceMs = 20_000 } = options
  const tracks = createTracks(corpus).filter(({ name }) => only === undefined || name === only)
  const outcomes: Record<string, Record<string, number>> = {}
  let iterations = 0
  let round = first
  for (; options.more(round); round++) {
    const track = tracks[round % tracks.length]
    if (track === undefined) break
    outcomes[track.name] ??= {}
    const counts = outcomes[track.name] ?? {}
    let seen: string | undefined
    let end = Number.POSITIVE_INFINITY
    const count = (one: FuzzCase) => {
      options.onCase?.(iterations++)
      // Shrinking ends where nothing smaller is wrong.
      if (performance.now() > end) return true
      const { outcome, problem } = judge(track, one, engine)
      counts[outcome] = (counts[outcome] ?? 0) + 1
      if (problem !== undefined) {
        seen = problem
        end = Math.min(end, performance.now() + patienceMs)
      }
      return problem === undefined
    }
    // One seed a round: 2,654,435,761 spreads neighbouring numbers.
    const details = fc.check(fc.property(track.cases, count), {
      seed: (seed + Math.imul(round, 0x9e3779b1)) | 0,
      numRuns: roundSize,
    })
    if (!details.failed) continue
    const [shrunk] = details.counterexample ?? []
    if (shrunk === undefined) throw new Error('no case could be made', { cause: details.errorInstance })
    const wrong = (one: FuzzCase) => {
      options.onCase?.(iterations++)
      return judge(track, one, engine).problem !== undefined
    }
    const smallest = minimise(shrunk, wrong, patienceMs)
    const problem = judge(track, smallest, engine).problem ?? `only once: ${seen}`
    return {
      seed,
      rounds: round - first + 1,
      iterations,
      outcomes,
      found: { track: track.name, round, problem, smallest },
    }
  }
  return { seed, rounds: round - first, iterations, outcomes, found: undefined }
}

/** An exception is a finding. */
function judge(track: Track, one: FuzzCase, engine: Engine): Judged {
  try {
    return track.judge(one, engine)
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { outcome: 'exception', problem: detail.split('\n').slice(0, 4).join('\n') }
  }
}
