import type { JsonNode, JsonOutline } from '../json-outline.js'
import { chosenMessages, type MessageChoice, readServerMessages, type ServerMessage } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

const parts = [
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
export type TextPart = (typeof parts)[number]

export interface TextPlace {
  readonly part: TextPart
  /** The text is the key of a member, and none of the protocol's own; a new text renames the member. */
  readonly isKey: boolean
  /** The text is a number as it was written. */
  readonly isNumber: boolean
  /** Of the message, as it was written. */
  readonly id: string | undefined
}

export interface ResultTextChoice extends MessageChoice {
  /**
   * Whether numbers are given too, and what stands outside of results, errors and params. Ids and the names of methods are
   * not: what answers what must not change. Default false.
   */
  readonly all?: boolean
}

/** The texts of a message: from one number to before another. */
export interface MessageTexts {
  /** undefined: what is outside of all messages. */
  readonly message: ServerMessage | undefined
  /** The whole of it. */
  readonly node: JsonNode
  readonly from: number
  readonly to: number
}

export interface ResultTexts {
  readonly ok: true
  readonly outline: JsonOutline
  /** In the order of the text. */
  readonly messages: readonly MessageTexts[]
  place(index: number, message: MessageTexts): TextPlace
  /** Decoded. */
  value(index: number): string
  /** The bytes that a JSON string can be put in place of. */
  span(index: number): { readonly start: number; readonly end: number }
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

/**
 * Finds every text of the results, errors and params of an answer. Nothing is left out because it looks like no text: a
 * secret may stand in a title, a key or an unknown kind of block. Keys that come twice are both there. Texts are decoded
 * when they are read, so that a message of a million texts is no million strings.
 */
export function readResultTexts(bytes: Uint8Array, choice: ResultTextChoice = {}): ResultTexts | ResponseFailure {
  const read = readServerMessages(bytes, choice)
  if (!read.ok) return read
  const { outline } = read
  const walk = new TextWalk(outline, choice.all ?? false)
  const messages: MessageTexts[] = []
  const add = (node: JsonNode, message: ServerMessage | undefined, visit: () => void) => {
    const from = walk.nodes.length
    visit()
    messages.push({ message, node, from, to: walk.nodes.length })
  }
  const chosen = chosenMessages(read.messages, choice)
  if (choice.all === true) {
    const byNode = new Map(chosen.map(message => [message.node, message]))
    for (const node of outline.kind(0) === 'array' ? outline.elements(0) : [0]) {
      const message = byNode.get(node)
      if (message !== undefined) add(node, message, () => walk.message(message))
      else if (outline.kind(node) !== 'object') add(node, undefined, () => walk.value(node, 'outside'))
    }
  } else for (const message of chosen) add(message.node, message, () => walk.parts(message))
  return {
    ok: true,
    outline,
    messages,
    place(index, { message }) {
      const code = walk.codes[index] ?? 0
      return {
        part: parts[code >> 2] ?? 'other',
        isKey: (code & isKeyBit) !== 0,
        isNumber: (code & isNumberBit) !== 0,
        id: message?.id,
      }
    },
    value(index) {
      const node = walk.nodes[index] ?? 0
      return ((walk.codes[index] ?? 0) & isNumberBit) === 0 ? outline.string(node) : numberText(outline.lexeme(node))
    },
    span(index) {
      const node = walk.nodes[index] ?? 0
      return { start: outline.start(node), end: outline.end(node) }
    },
  }
}

const isKeyBit = 1
const isNumberBit = 2

/** Without an exponent where readers would show none: `4.5e15` is what a person reads as 4500000000000000. */
function numberText(lexeme: string): string {
  return /[.eE]/.test(lexeme) ? String(Number(lexeme)) : lexeme
}

class TextWalk {
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
    this.codes.push((parts.indexOf(part) << 2) | bits)
  }
}
