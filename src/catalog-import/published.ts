import type { JsonObject } from '../protocol/json-value.js'

/** What a server says of itself and lists; all of it is the server's word only. */
export interface Published {
  /** `name` of serverInfo; undefined if there is none. */
  readonly server: string | undefined
  readonly version: string | undefined
  readonly era: 'legacy' | 'modern'
  readonly tools: readonly PublishedEntry[]
  readonly prompts: readonly PublishedEntry[]
}

export interface PublishedEntry {
  readonly name: string
  /** The whole entry of tools/list or prompts/list. */
  readonly definition: JsonObject
}
