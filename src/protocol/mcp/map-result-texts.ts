import type { JsonNode, JsonOutline } from '../json-outline.js'
import { jsonString } from '../json-string.js'
import { type Edit, splice } from '../splice.js'
import { chosenMessages, type MessageChoice, type Rewritten, readServerMessages } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

/** In which part of a message a text stands. */
export type TextPart =
  /** `text` of a content block of a tool's result, or of a prompt's message. */
  | 'text'
  /** `text` of a resource, embedded or read. */
  | 'resource'
  /** Anywhere in `structuredContent`. */
  | 'structured'
  /** Base64 of an image, a sound or a resource; given only if asked for. */
  | 'data'
  /** Any other text of a content block: types, names, titles, URIs. */
  | 'block'
  /** Anywhere in `_meta`. */
  | 'meta'
  /** Anywhere else in the result. */
  | 'other'
  /** Anywhere in a JSON-RPC error: hosts show it to the model too. */
  | 'error'
  /** Anywhere in the params of a message that the server sends on its own: progress, logs, sampling, elicitation. */
  | 'params'

export interface TextPlace {
  readonly part: TextPart
  /** The text is the key of a member, and none of the protocol's own; a new text renames the member. */
  readonly isKey: boolean
  /** Of the message, as it was written. */
  readonly id: string | undefined
}

/** A new text in the place of `value`, or undefined to leave it. */
export type MapText = (value: string, place: TextPlace) => string | undefined

export interface TextChoice extends MessageChoice {
  /** Whether base64 of images, sounds and resources is given too; default false. */
  readonly data?: boolean
}

export interface MappedTexts extends Rewritten {
  readonly replaced: number
}

/** The parts that members of a result begin; in a tool's result, a resource that was read, a prompt. */
const beginnings: ReadonlyMap<string, TextPart> = new Map<string, TextPart>([
  ['content', 'block'],
  ['contents', 'block'],
  ['messages', 'block'],
  ['structuredContent', 'structured'],
  ['_meta', 'meta'],
])

/** Keys of results and content blocks that a rule must not be able to rename, however broad it is. */
const protocolKeys: ReadonlySet<string> = new Set([
  ...beginnings.keys(),
  ...['isError', 'resultType', 'type', 'text', 'data', 'blob', 'mimeType', 'resource', 'role', 'annotations'],
  ...['uri', 'name', 'title', 'description', 'size', 'icons', 'nextCursor', 'ttlMs', 'cacheScope'],
])

/**
 * Gives every text of the results, errors and params of an answer to `map`, decoded, and puts what it returns in its place,
 * as a JSON string; all other bytes stay. Nothing is left out because it looks like no text: a secret may stand in a title,
 * a key or an unknown kind of block. Keys that come twice are both given. With a failure nothing may be passed on.
 */
export function mapResultTexts(
  bytes: Uint8Array,
  map: MapText,
  choice: TextChoice = {},
): MappedTexts | ResponseFailure {
  const read = readServerMessages(bytes, choice)
  if (!read.ok) return read
  const walk = new TextWalk(read.outline, map, choice.data ?? false)
  for (const message of chosenMessages(read.messages, choice)) {
    walk.id = message.id
    // In the order of the text, as edits must be.
    const parts = [
      [message.result, 'other'],
      [message.error, 'error'],
      [message.params, 'params'],
    ] as const
    for (const [node, part] of [...parts].sort(([left = 0], [right = 0]) => left - right)) {
      if (node === undefined) continue
      if (part === 'other' && read.outline.kind(node) === 'object') walk.result(node)
      else walk.value(node, part)
    }
  }
  return { ok: true, bytes: splice(bytes, walk.edits), replaced: walk.edits.length }
}

class TextWalk {
  readonly edits: Edit[] = []
  id: string | undefined
  readonly #outline: JsonOutline
  readonly #map: MapText
  readonly #data: boolean

  constructor(outline: JsonOutline, map: MapText, data: boolean) {
    this.#outline = outline
    this.#map = map
    this.#data = data
  }

  result(object: JsonNode): void {
    const outline = this.#outline
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const name = this.#key(key, 'other')
      this.value(key + 1, beginnings.get(name) ?? 'other')
    }
  }

  /** Recursion is bounded by the depth of the outline. */
  value(node: JsonNode, part: TextPart): void {
    const outline = this.#outline
    switch (outline.kind(node)) {
      case 'string':
        this.#text(node, part, false)
        return
      case 'array':
        for (const element of outline.elements(node)) this.value(element, part)
        return
      case 'object':
        if (part === 'block') this.#block(node)
        else this.#members(node, part)
        return
    }
  }

  #members(object: JsonNode, part: TextPart): void {
    const outline = this.#outline
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      this.#text(key, part, true)
      this.value(key + 1, part)
    }
  }

  /** A content block, a resource, or a message of a prompt. */
  #block(object: JsonNode): void {
    const outline = this.#outline
    const { isMedia, isResource } = this.#kindOfBlock(object)
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const name = this.#key(key, 'block')
      const isData = (name === 'data' && isMedia) || (name === 'blob' && isResource)
      if (name === 'text') this.value(key + 1, isResource ? 'resource' : 'text')
      else if (isData && outline.kind(key + 1) === 'string') this.value(key + 1, 'data')
      else this.value(key + 1, name === '_meta' ? 'meta' : 'block')
    }
  }

  /** Only what is so beyond doubt: a block with two types is neither. */
  #kindOfBlock(object: JsonNode): { readonly isMedia: boolean; readonly isResource: boolean } {
    const outline = this.#outline
    const types: string[] = []
    let uris = 0
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const name = outline.string(key)
      if (name === 'type') types.push(outline.lexeme(key + 1))
      else if (name === 'uri') uris++
    }
    const isMedia = types.length === 1 && (types[0] === '"image"' || types[0] === '"audio"')
    return { isMedia, isResource: types.length === 0 && uris === 1 }
  }

  /** A key where the protocol has keys of its own. */
  #key(node: JsonNode, part: TextPart): string {
    const name = this.#outline.string(node)
    return protocolKeys.has(name) ? name : this.#text(node, part, true)
  }

  /** The text as it was. */
  #text(node: JsonNode, part: TextPart, isKey: boolean): string {
    if (part === 'data' && !this.#data) return ''
    const value = this.#outline.string(node)
    const mapped = this.#map(value, { part, isKey, id: this.id })
    if (mapped !== undefined && mapped !== value) {
      this.edits.push({
        start: this.#outline.start(node),
        end: this.#outline.end(node),
        text: jsonString(mapped),
      })
    }
    return value
  }
}
