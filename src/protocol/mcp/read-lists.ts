import { atOnce, type Sliced } from '../../sliced.js'
import { FoldedKeys } from '../fold-key.js'
import type { JsonNode, JsonOutline } from '../json-outline.js'
import { MemberReader } from './member-reader.js'
import {
  chosenMessages,
  type MessageChoice,
  type ServerMessage,
  serverMessagesInSlices,
} from './read-server-messages.js'
import { type ResponseFailure, responseFailure } from './response-failure.js'

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

export interface ListItem {
  readonly list: ListKind
  /** What calls name it by: the name of a tool or prompt, the uri of a resource, the uriTemplate of a template. */
  readonly name: string
  /** Its place in its list, from 0. */
  readonly index: number
  /** Its bytes: from `start` to before `end`. */
  readonly start: number
  readonly end: number
}

export interface ItemList {
  readonly list: ListKind
  readonly items: readonly ListItem[]
}

export interface ListResult {
  readonly message: ServerMessage
  /** Most have one; a result may have none. */
  readonly lists: readonly ItemList[]
  /** Values of the result beside the lists, if it has them. */
  readonly nextCursor: JsonNode | undefined
  readonly cacheScope: JsonNode | undefined
  readonly ttlMs: JsonNode | undefined
  readonly resultType: JsonNode | undefined
}

export interface ReadLists {
  readonly ok: true
  readonly outline: JsonOutline
  readonly results: readonly ListResult[]
}

export type ListResults = ReadLists | ResponseFailure

/** Results of `tools/list`, `prompts/list`, `resources/list` and `resources/templates/list`. */
const named = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
} as const satisfies Record<ListKind, string>

const kinds = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const satisfies readonly ListKind[]
const resultKeys = new FoldedKeys([...kinds, 'nextCursor', 'cacheScope', 'ttlMs', 'resultType'])
const itemKeys = new FoldedKeys(['name', 'uri', 'uriTemplate'])
const loneSurrogate = /[\ud800-\udfff]/u

export interface ListChoice extends MessageChoice {
  /** Items of all lists of a message together; default: as many as it holds. */
  readonly maxItems?: number
}

/**
 * Reads the lists in the results of an answer to one of the list methods: by what is there, whatever was asked, so that a
 * server cannot slip a list past us under another id. Every item must have the name by which it is called, exactly once and
 * as a well-formed string.
 */
export function readLists(bytes: Uint8Array, choice: ListChoice = {}): ListResults {
  return atOnce(listsInSlices(bytes, choice))
}

/** The same as {@link readLists}, some of it at a time; the bytes must stay as they are meanwhile. */
export function* listsInSlices(bytes: Uint8Array, choice: ListChoice = {}): Sliced<ListResults> {
  const read = yield* serverMessagesInSlices(bytes, choice)
  if (!read.ok) return read
  const { outline } = read
  const results: ListResult[] = []
  let left = choice.maxItems ?? Number.POSITIVE_INFINITY
  const resultReader = new MemberReader(resultKeys)
  const itemReader = new MemberReader(itemKeys)
  for (const message of chosenMessages(read.messages, choice)) {
    if (message.result === undefined || outline.kind(message.result) !== 'object') continue
    const result = yield* resultReader.inSlices(outline, message.result)
    if (!result.ok) return result
    const lists: ItemList[] = []
    for (const list of kinds) {
      const array = result.values.get(list)
      if (array === undefined) continue
      const items = yield* readItems(outline, itemReader, list, array, left)
      if (!Array.isArray(items)) return items
      left -= items.length
      lists.push({ list, items })
    }
    results.push({
      message,
      lists,
      nextCursor: result.values.get('nextCursor'),
      cacheScope: result.values.get('cacheScope'),
      ttlMs: result.values.get('ttlMs'),
      resultType: result.values.get('resultType'),
    })
  }
  return { ok: true, outline, results }
}

/** Items between two places where the work may be put aside. */
const stride = 256
/** Values and keys. */
const smallItem = 4096

function* readItems(
  outline: JsonOutline,
  reader: MemberReader,
  list: ListKind,
  array: JsonNode,
  most: number,
): Sliced<ListItem[] | ResponseFailure> {
  if (outline.kind(array) !== 'array') return responseFailure('response.list', outline.start(array))
  const items: ListItem[] = []
  const elements = outline.elements(array)
  if (elements.length > most) return responseFailure('response.too_many_members', outline.start(array))
  for (const [index, node] of elements.entries()) {
    const [start, end] = [outline.start(node), outline.end(node)]
    if (outline.kind(node) !== 'object') return responseFailure('response.item', start)
    if ((index + 1) % stride === 0) yield
    // Most are small; to put each of them aside would cost more than to read it.
    const isSmall = outline.next(node) - node < smallItem
    const members = isSmall ? reader.read(outline, node) : yield* reader.inSlices(outline, node)
    if (!members.ok) return members
    const value = members.values.get(named[list])
    if (value === undefined || outline.kind(value) !== 'string') return responseFailure('response.item', start)
    const name = outline.string(value)
    if (loneSurrogate.test(name)) return responseFailure('response.item', start)
    items.push({ list, name, index, start, end })
  }
  return items
}
