import type { JsonNode, JsonOutline } from '../json-outline.js'
import type { ServerMessage } from './read-server-messages.js'

const textParts = [
  /** `text` of a content block of a tool's result, or of a prompt's message. */
  'text',
  /** `text` of a resource, embedded or read. */
  'resource',
  /** Anywhere in `structuredContent`. */
  'structured',
  /** Base64 of an image, a sound or a resource. */
  'data',
  /** Any other text of a content block: types, names, titles, URIs. */
  'block',
  /** Anywhere in `_meta`. */
  'meta',
  /** Anywhere else in the result. */
  'other',
  /** Anywhere in a JSON-RPC error: hosts show it to the model too. */
  'error',
  /** Anywhere in the params of a message that the server sends on its own: progress, logs, sampling, elicitation. */
  'params',
  /** Beside all of these: members that JSON-RPC does not know, and what is no message at all. */
  'outside',
] as const

/** In which part of a message a text stands. */
export type TextPart = (typeof textParts)[number]

const codes: ReadonlyMap<TextPart, number> = new Map(textParts.map((part, index) => [part, index << 2]))

/** What is noted of a text beside where it stands, in one number. */
export function decodeTextCode(code: number): {
  readonly part: TextPart
  readonly isKey: boolean
  readonly isNumber: boolean
} {
  return {
    part: textParts[code >> 2] ?? 'other',
    isKey: (code & isKeyBit) !== 0,
    isNumber: (code & isNumberBit) !== 0,
  }
}

const isKeyBit = 1
const isNumberBit = 2

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

/** Small numbers under these keys are the protocol's own; a text in their place would break the message. */
const protocolNumbers: ReadonlySet<string> = new Set(
  ['code', 'size', 'ttlMs', 'priority', 'progress', 'total', 'progressToken', 'requestId', 'maxTokens'].map(
    key => `"${key}"`,
  ),
)
const smallNumber = 9

/** The same of errors, and of what servers send on their own. */
const errorKeys: ReadonlySet<string> = new Set(['code', 'message', 'data'])
const paramsKeys: ReadonlySet<string> = new Set([
  ...[
    '_meta',
    'level',
    'logger',
    'data',
    'progressToken',
    'progress',
    'total',
    'message',
    'requestId',
    'reason',
    'uri',
  ],
  ...['messages', 'systemPrompt', 'maxTokens', 'requestedSchema', 'mode', 'url', 'elicitationId', 'taskId', 'status'],
])

const messageKeys: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])

/** Notes every text of messages: two numbers for each, because a message may have a million. */
export class TextWalk {
  readonly nodes: JsonNode[] = []
  readonly codes: number[] = []
  readonly #outline: JsonOutline
  readonly #all: boolean

  constructor(outline: JsonOutline, all: boolean) {
    this.#outline = outline
    this.#all = all
  }

  /** Result, error and params, in the order of the text. */
  parts({ result, error, params }: ServerMessage): void {
    const found = [
      [result, 'other'],
      [error, 'error'],
      [params, 'params'],
    ] as const
    for (const [node, part] of [...found].sort(([left = 0], [right = 0]) => left - right)) {
      if (node !== undefined) this.#part(node, part)
    }
  }

  /** All members but those by which answers are told apart. */
  message({ node: object, result, error, params }: ServerMessage): void {
    const outline = this.#outline
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const node = key + 1
      if (node === result) this.#part(node, 'other')
      else if (node === error) this.#part(node, 'error')
      else if (node === params) this.#part(node, 'params')
      else if (!messageKeys.has(outline.string(key))) {
        this.#text(key, 'outside', isKeyBit)
        this.value(node, 'outside', key)
      }
    }
  }

  #part(node: JsonNode, part: 'other' | 'error' | 'params'): void {
    const outline = this.#outline
    if (outline.kind(node) !== 'object') {
      this.value(node, part)
      return
    }
    const keys = { other: protocolKeys, error: errorKeys, params: paramsKeys }[part]
    const end = outline.next(node)
    for (let key = node + 1; key < end; key = outline.next(key + 1)) {
      const name = this.#key(key, part, keys)
      this.value(key + 1, (part === 'other' ? beginnings.get(name) : undefined) ?? part, key)
    }
  }

  /**
   * Recursion is bounded by the depth of the outline.
   * @param key whose value it is, if it is one
   */
  value(node: JsonNode, part: TextPart, key?: JsonNode): void {
    const outline = this.#outline
    switch (outline.kind(node)) {
      case 'string':
        this.#text(node, part, 0)
        return
      case 'number':
        if (this.#all && !this.#isProtocolNumber(node, part, key)) this.#text(node, part, isNumberBit)
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

  #isProtocolNumber(node: JsonNode, part: TextPart, key: JsonNode | undefined): boolean {
    if (key === undefined || part === 'structured' || part === 'outside') return false
    const outline = this.#outline
    return outline.end(node) - outline.start(node) <= smallNumber && protocolNumbers.has(outline.lexeme(key))
  }

  #members(object: JsonNode, part: TextPart): void {
    const outline = this.#outline
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      this.#text(key, part, isKeyBit)
      this.value(key + 1, part, key)
    }
  }

  /** A content block, a resource, or a message of a prompt. */
  #block(object: JsonNode): void {
    const outline = this.#outline
    const { isMedia, isResource } = this.#kindOfBlock(object)
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const name = this.#key(key, 'block', protocolKeys)
      const isData = (name === 'data' && isMedia) || (name === 'blob' && isResource)
      if (name === 'text') this.value(key + 1, isResource ? 'resource' : 'text', key)
      else if (isData && outline.kind(key + 1) === 'string') this.value(key + 1, 'data', key)
      else this.value(key + 1, name === '_meta' ? 'meta' : 'block', key)
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
  #key(node: JsonNode, part: TextPart, own: ReadonlySet<string>): string {
    const name = this.#outline.string(node)
    if (!own.has(name)) this.#text(node, part, isKeyBit)
    return name
  }

  #text(node: JsonNode, part: TextPart, bits: number): void {
    this.nodes.push(node)
    this.codes.push((codes.get(part) ?? 0) | bits)
  }
}
