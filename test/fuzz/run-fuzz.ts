import type { Disagreement, FuzzInput, Judged, TrackName } from './fuzz-input.js'
import { minimise } from './minimise.js'
import { Random } from './random.js'
import type { Seeds } from './seeds.js'
import type { Subject } from './subject.js'
import type { Track } from './tracks/track.js'
import { createTracks } from './tracks/tracks.js'

export interface FuzzOptions {
  readonly seed: number
  readonly seeds: Seeds
  readonly subject: Subject
  /** The number of the iteration to begin with; each depends on the seed and its number only. Default 0. */
  readonly first?: number
  /** Whether to begin another iteration. */
  more(iteration: number): boolean
  /** Default: all. */
  readonly tracks?: readonly TrackName[]
  /** Before each iteration. */
  onIteration?(iteration: number): void
}

export interface FuzzReport {
  readonly seed: number
  /** Undefined: all. Which were chosen decides what an iteration tries. */
  readonly tracks: readonly TrackName[] | undefined
  readonly iterations: number
  /** How often each oracle was asked. */
  readonly oracles: Readonly<Record<string, number>>
  /** By track, how often each outcome came. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly found: FoundInput | undefined
}

export interface FoundInput extends Disagreement {
  readonly iteration: number
  readonly input: FuzzInput
  readonly smallest: FuzzInput
}

/** Tries inputs until one of them is judged wrong, or `more` says that it was enough. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { seed, seeds, subject, first = 0 } = options
  const all = createTracks(seeds)
  const tracks = all.filter(({ name }) => options.tracks?.includes(name) ?? true)
  const wheel = tracks.flatMap(track => Array.from({ length: track.weight }, () => track))
  const oracles: Record<string, number> = {}
  const outcomes: Record<string, Record<string, number>> = {}
  let found: FoundInput | undefined
  let iteration = first
  try {
    for (; found === undefined && options.more(iteration); iteration++) {
      options.onIteration?.(iteration)
      const random = new Random(seed, iteration)
      const track = random.pick(wheel)
      const input = track.generate(random)
      const judged = await judge(track, input, subject)
      for (const oracle of judged.asked) count(oracles, oracle)
      outcomes[track.name] ??= {}
      count(outcomes[track.name] ?? {}, judged.outcome)
      const { disagreement } = judged
      if (disagreement === undefined) continue
      const failsToo = async (smaller: FuzzInput) =>
        (await judge(track, smaller, subject)).disagreement?.oracle === disagreement.oracle
      // Of what takes long, the smaller is not the worse.
      const smallest = disagreement.oracle === 'time' ? input : await minimise(input, failsToo)
      const { detail } = (await judge(track, smallest, subject)).disagreement ?? disagreement
      found = { iteration, oracle: disagreement.oracle, detail, input, smallest }
    }
  } finally {
    await Promise.all(all.map(track => track.close?.()))
  }
  return { seed, tracks: options.tracks, iterations: iteration - first, oracles, outcomes, found }
}

/** One input, by its track. */
export async function judgeInput(input: FuzzInput, seeds: Seeds, subject: Subject): Promise<Judged> {
  const tracks = createTracks(seeds)
  try {
    const track = tracks.find(({ name }) => name === input.track)
    if (track === undefined) throw new Error(`no track ${input.track}`)
    return await judge(track, input, subject)
  } finally {
    await Promise.all(tracks.map(track => track.close?.()))
  }
}

/** What an input may take, in milliseconds: far more than any needs, but less than one that grows faster than its size. */
function allowedMs({ bytes }: FuzzInput): number {
  return 100 + bytes.length / 100
}

/** A judgement that throws, or takes too long each time, is a disagreement of its own. */
async function judge(track: Track, input: FuzzInput, subject: Subject): Promise<Judged> {
  try {
    let judged: Judged
    let tries = 0
    let fastest = Number.POSITIVE_INFINITY
    do {
      const start = performance.now()
      judged = await track.judge(input, subject)
      fastest = Math.min(fastest, performance.now() - start)
    } while (fastest > allowedMs(input) && ++tries < 5)
    if (fastest <= allowedMs(input)) return judged
    return { ...judged, disagreement: { oracle: 'time', detail: `took ${fastest.toFixed(0)} ms` } }
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { outcome: 'exception', asked: [], disagreement: { oracle: 'exception', detail } }
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}
