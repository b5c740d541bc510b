import { readJsonRpc } from '../../src/protocol/json-rpc.js'
import { bodySizes, type ParserBody, parserBodies } from './parser-bodies.js'
import { median } from './statistics.js'

export interface ParserCost {
  readonly shape: string
  readonly bytes: number
  /** Microseconds to read one body; medians of the rounds. */
  readonly ours: number
  readonly jsonParse: number
  /** Ours by JSON.parse, median of the rounds. */
  readonly ratio: number
}

export interface ParserCostOptions {
  readonly rounds: number
  /** Least length of one measurement of one side, in milliseconds. */
  readonly roundMs: number
}

/**
 * What reading a JSON-RPC message strictly costs, beside `JSON.parse` of the same bytes. Both sides are measured in turns
 * in one process, so that what disturbs the machine disturbs both; each starts from bytes, as a server does.
 */
export function measureParser({ name, bytes }: ParserBody, { rounds, roundMs }: ParserCostOptions): ParserCost {
  const ours = () => {
    if (!readJsonRpc(bytes).ok) throw new Error(`the body "${name}" was refused`)
  }
  const theirs = () => {
    JSON.parse(bytes.toString('utf8'))
  }
  // Also finds how often each must run to fill a round, once the compiler has done its work.
  const [ourCount = 1, theirCount = 1] = [ours, theirs].map(run => Math.ceil(roundMs / calibrate(run, roundMs * 5)))
  const samples: { readonly ours: number; readonly jsonParse: number }[] = []
  for (let round = 0; round < rounds; round++) {
    samples.push({ ours: time(ours, ourCount), jsonParse: time(theirs, theirCount) })
  }
  return {
    shape: name,
    bytes: bytes.length,
    ours: median(samples.map(one => one.ours)),
    jsonParse: median(samples.map(one => one.jsonParse)),
    ratio: median(samples.map(one => one.ours / one.jsonParse)),
  }
}

export function measureParsers(options: ParserCostOptions): readonly ParserCost[] {
  const bodies = bodySizes.flatMap(parserBodies)
  // A server has seen every kind of text; until the compiler has, its guesses are wrong for the next.
  for (const body of bodies) measureParser(body, { rounds: 3, roundMs: options.roundMs })
  return bodies.map(body => measureParser(body, options))
}

/** Milliseconds per run. */
function calibrate(run: () => void, ms: number): number {
  const start = performance.now()
  let runs = 0
  while (performance.now() - start < ms) {
    run()
    runs++
  }
  return ms / runs
}

/** Microseconds of processor time per run. */
function time(run: () => void, count: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
