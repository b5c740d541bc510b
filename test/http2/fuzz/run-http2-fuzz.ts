import { Random } from '../../fuzz/random.js'
import type { Attempt, Judged, Track } from './attempt.js'
import { MemoryWatch } from './memory-watch.js'
import { startStand } from './stand.js'
import { createTracks } from './tracks/tracks.js'

export interface Http2FuzzOptions {
  readonly seed: number
  /** The number of the iteration to begin with; each depends on the seed, its number and the tracks. Default 0. */
  readonly first?: number
  more(iteration: number): boolean
  /** Names; default all. */
  readonly tracks?: readonly string[]
  onIteration?(iteration: number): void
}

export interface Http2FuzzReport {
  readonly seed: number
  readonly iterations: number
  /** By track, how often each outcome came. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly memory: string
  readonly found: Http2Finding | undefined
}

export interface Http2Finding {
  readonly iteration: number
  readonly track: string
  readonly oracle: string
  readonly detail: string
  /** The smallest attempt that still fails alike. */
  readonly attempt: string
}

/** How many smaller attempts are tried. */
const maxTries = 400

/** The honest client speaks up so often. */
const probeEvery = 5

/** Tries one thing after the other until something is wrong, or `more` says that it was enough. */
export async function runHttp2Fuzz(options: Http2FuzzOptions): Promise<Http2FuzzReport> {
  const { seed, first = 0 } = options
  const stand = await startStand()
  const all = await createTracks(stand)
  const tracks = all.filter(({ name }) => options.tracks?.includes(name) ?? true)
  const wheel = tracks.flatMap(track => Array.from({ length: track.weight }, () => track))
  const outcomes: Record<string, Record<string, number>> = {}
  const memory = new MemoryWatch()
  const escaped: string[] = []
  const onEscaped = (error: unknown) =>
    escaped.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.on('uncaughtException', onEscaped)
  process.on('unhandledRejection', onEscaped)

  const judge = async (attempt: Attempt, probes: boolean): Promise<Judged> => {
    escaped.length = 0
    const own = stand.ownErrors().length
    const judged = await attempt
      .judge()
      .catch(error => failed('exception', error instanceof Error ? (error.stack ?? '') : String(error)))
    const probed = probes ? await stand.probe() : undefined
    if (escaped[0] !== undefined) return failed('escaped', escaped[0])
    const error = stand.ownErrors()[own]
    if (error !== undefined) return failed('own error', error)
    if (probed !== undefined) return failed('honest client', probed)
    return judged
  }

  let found: Http2Finding | undefined
  let iteration = first
  try {
    for (; found === undefined && options.more(iteration); iteration++) {
      options.onIteration?.(iteration)
      const random = new Random(seed, iteration)
      const track: Track = random.pick(wheel)
      let attempt = track.generate(random)
      const { outcome, failure } = await judge(attempt, iteration % probeEvery === 0)
      const counts = outcomes[track.name] ?? {}
      outcomes[track.name] = counts
      counts[outcome] = (counts[outcome] ?? 0) + 1
      memory.look(iteration)
      if (failure === undefined) continue
      let { oracle, detail } = failure
      // Who hangs takes a minute each time.
      let tries = oracle === 'hang' || oracle === 'close' ? maxTries - 8 : 0
      for (let smaller = attempt.smaller(); tries < maxTries; ) {
        const next = smaller.shift()
        if (next === undefined) break
        tries++
        const again = (await judge(next, true)).failure
        if (again?.oracle !== oracle) continue
        detail = again.detail
        attempt = next
        smaller = next.smaller()
      }
      found = { iteration, track: track.name, oracle, detail, attempt: attempt.describe() }
    }
    const grown = tracks.some(({ foreign }) => foreign) ? undefined : memory.problem()
    if (found === undefined && grown !== undefined) {
      found = { iteration, track: 'all', oracle: 'memory', detail: grown, attempt: '' }
    }
  } finally {
    for (const track of all) await track.close?.()
    const left = await stand.close()
    if (left !== undefined) found ??= { iteration, track: 'all', oracle: 'drain', detail: left, attempt: '' }
    process.off('uncaughtException', onEscaped)
    process.off('unhandledRejection', onEscaped)
  }
  return { seed, iterations: iteration - first, outcomes, memory: memory.describe(), found }
}

function failed(oracle: string, detail: string): Judged {
  return { outcome: `FAILED ${oracle}`, failure: { oracle, detail } }
}
