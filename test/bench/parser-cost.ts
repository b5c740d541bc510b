import { readJsonRpc } from '../../src/protocol/json-rpc.js'
import { type CostRatioOptions, measureRatio } from './cost-ratio.js'
import { bodySizes, type ParserBody, parserBodies } from './parser-bodies.js'

export interface ParserCost {
  readonly shape: string
  readonly bytes: number
  /** Microseconds to read one body; medians of the rounds. */
  readonly ours: number
  readonly jsonParse: number
  /** Ours by JSON.parse, median of the rounds. */
  readonly ratio: number
}

/** What reading a JSON-RPC message strictly costs, beside `JSON.parse`; each starts from bytes, as a server does. */
export async function measureParser({ name, bytes }: ParserBody, options: CostRatioOptions): Promise<ParserCost> {
  const read = () => {
    if (!readJsonRpc(bytes).ok) throw new Error(`the body "${name}" was refused`)
  }
  const parse = () => {
    JSON.parse(bytes.toString('utf8'))
  }
  const { ours, theirs, ratio } = await measureRatio(read, parse, options)
  return { shape: name, bytes: bytes.length, ours, jsonParse: theirs, ratio }
}

export async function measureParsers(options: CostRatioOptions): Promise<readonly ParserCost[]> {
  const bodies = bodySizes.flatMap(parserBodies)
  // A server has seen every kind of text; until the compiler has, its guesses are wrong for the next.
  for (const body of bodies) await measureParser(body, { rounds: 3, roundMs: options.roundMs })
  const costs: ParserCost[] = []
  for (const body of bodies) costs.push(await measureParser(body, options))
  return costs
}
