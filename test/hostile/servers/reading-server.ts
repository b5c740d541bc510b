import type { JsonValue } from '../../../src/protocol/json-value.js'

/** The header that says which request of the corpus a server is reading: `<upstream>.<number>`. */
export const corpusHeader = 'x-corpus'

/** A JSON-RPC message as a server's own parser read it, told by the place in its SDK that carries it out. */
export interface Sighting {
  /** Value of the corpus header of the HTTP request that the message came in, if there was one. */
  readonly corpus: string | undefined
  readonly kind: 'request' | 'notification'
  /** Of a request. */
  readonly id: JsonValue | undefined
  readonly method: string
  readonly params: JsonValue | undefined
}

/** An MCP server that tells what it read. */
export interface ReadingServer {
  readonly name: string
  /** `http://127.0.0.1:<port>`; every path is the endpoint. */
  readonly origin: string
  /** Everything that was carried out so far, in order. */
  sightings(): Promise<readonly Sighting[]>
  forget(): Promise<void>
  stop(): Promise<void>
}

/** A value of JavaScript as JSON, without a look at prototypes. Numbers stay what JavaScript made of them. */
export function toJsonValue(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value
  if (Array.isArray(value)) return value.map(toJsonValue)
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return new Map(members.map(([key, member]) => [key, toJsonValue(member)]))
  }
  throw new Error(`${typeof value} is not JSON`)
}
