import type { Sliced } from '../../sliced.js'
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

interface Frame {
  /** How what stands in it is read; `part` is a result, error or params as a whole. */
  readonly as: 'array' | 'members' | 'block' | 'part' | 'message'
  readonly part: TextPart
  readonly node: JsonNode
  readonly end: JsonNode
  /** The next element or key. */
  at: JsonNode
  kind: BlockKind
}

interface BlockKind {
  readonly isMedia: boolean
  readonly isResource: boolean
}

const noBlock: BlockKind = { isMedia: false, isResource: false }
const keysOfPart = { other: protocolKeys, error: errorKeys, params: paramsKeys } as const
type MessagePart = keyof typeof keysOfPart

/** Values and keys between two places where the work may be put aside. */
const stride = 4096

/**
 * Notes every text of messages: two numbers for each, because a message may have a million. No recursion, so that the work
 * can be put aside wherever it has come to.
 */
export class TextWalk {
  readonly nodes: JsonNode[] = []
  readonly codes: number[] = []
  readonly #outline: JsonOutline
  readonly #all: boolean
  readonly #open: Frame[] = []

  constructor(outline: JsonOutline, all: boolean) {
    this.#outline = outline
    this.#all = all
  }

  /** Result, error and params, in the order of the text. */
  *parts({ result, error, params }: ServerMessage): Sliced<void> {
    const found = [
      [result, 'other'],
      [error, 'error'],
      [params, 'params'],
    ] as const
    for (const [node, part] of [...found].sort(([left = 0], [right = 0]) => left - right)) {
      if (node === undefined) continue
      this.#enterPart(node, part)
      yield* this.#goOn(undefined)
    }
  }

  /** All members but those by which answers are told apart. */
  *message(message: ServerMessage): Sliced<void> {
    this.#push('message', message.node, 'outside')
    yield* this.#goOn(message)
  }

  /** Everything in it. */
  *value(node: JsonNode, part: TextPart): Sliced<void> {
    this.#enter(node, part)
    yield* this.#goOn(undefined)
  }

  *#goOn(message: ServerMessage | undefined): Sliced<void> {
    const outline = this.#outline
    const open = this.#open
    let seen = 0
    for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
      if (frame.at >= frame.end) {
        open.pop()
        continue
      }
      if (++seen % stride === 0) yield
      const key = frame.at
      if (frame.as === 'array') {
        frame.at = outline.next(key)
        this.#enter(key, frame.part)
        continue
      }
      if (key === frame.node + 1 && mayBeBlock(frame)) frame.kind = yield* this.#kindOfBlock(frame)
      frame.at = outline.next(key + 1)
      this.#member(frame, key, message)
    }
  }

  #member({ as, part, kind }: Frame, key: JsonNode, message: ServerMessage | undefined): void {
    const node = key + 1
    switch (as) {
      case 'message':
        this.#messageMember(key, message)
        return
      case 'part': {
        const name = this.#key(key, part, isMessagePart(part) ? keysOfPart[part] : noKeys)
        this.#enter(node, (part === 'other' ? beginnings.get(name) : undefined) ?? part, key)
        return
      }
      case 'block': {
        const name = this.#key(key, 'block', protocolKeys)
        if (name === 'text') this.#enter(node, kind.isResource ? 'resource' : 'text', key)
        else if (this.#isData(name, node, kind)) this.#enter(node, 'data', key)
        else this.#enter(node, name === '_meta' ? 'meta' : 'block', key)
        return
      }
      default: {
        this.#text(key, part, isKeyBit)
        const isBlock = kind.isMedia || kind.isResource
        const isData = isBlock && this.#isData(this.#outline.string(key), node, kind)
        this.#enter(node, isData ? 'data' : part, key)
      }
    }
  }

  #isData(name: string, node: JsonNode, { isMedia, isResource }: BlockKind): boolean {
    const isNamed = (name === 'data' && isMedia) || (name === 'blob' && isResource)
    return isNamed && this.#outline.kind(node) === 'string'
  }

  #messageMember(key: JsonNode, message: ServerMessage | undefined): void {
    const node = key + 1
    if (node === message?.result) this.#enterPart(node, 'other')
    else if (node === message?.error) this.#enterPart(node, 'error')
    else if (node === message?.params) this.#enterPart(node, 'params')
    else if (!messageKeys.has(this.#outline.string(key))) {
      this.#text(key, 'outside', isKeyBit)
      this.#enter(node, 'outside', key)
    }
  }

  #enterPart(node: JsonNode, part: MessagePart): void {
    if (this.#outline.kind(node) === 'object') this.#push('part', node, part)
    else this.#enter(node, part)
  }

  /** @param key whose value it is, if it is one */
  #enter(node: JsonNode, part: TextPart, key?: JsonNode): void {
    switch (this.#outline.kind(node)) {
      case 'string':
        this.#text(node, part, 0)
        return
      case 'number':
        if (this.#all && !this.#isProtocolNumber(node, part, key)) this.#text(node, part, isNumberBit)
        return
      case 'array':
        this.#push('array', node, part)
        return
      case 'object':
        this.#push(part === 'block' ? 'block' : 'members', node, part)
        return
    }
  }

  #push(as: Frame['as'], node: JsonNode, part: TextPart): void {
    this.#open.push({ as, part, node, at: node + 1, end: this.#outline.next(node), kind: noBlock })
  }

  #isProtocolNumber(node: JsonNode, part: TextPart, key: JsonNode | undefined): boolean {
    if (key === undefined || part === 'structured' || part === 'outside') return false
    const outline = this.#outline
    return outline.end(node) - outline.start(node) <= smallNumber && protocolNumbers.has(outline.lexeme(key))
  }

  /** A content block, a resource, or a message of a prompt. Only what is so beyond doubt: a block with two types is neither. */
  *#kindOfBlock({ node, end }: Frame): Sliced<BlockKind> {
    const outline = this.#outline
    const types: string[] = []
    let uris = 0
    let seen = 0
    for (let key = node + 1; key < end; key = outline.next(key + 1)) {
      if (++seen % stride === 0) yield
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

/** Servers put blocks into what they ask for as well: sampling, and the input that a result requires. */
function mayBeBlock({ as, part }: Frame): boolean {
  return as === 'block' || (as === 'members' && (part === 'params' || part === 'other'))
}

const noKeys: ReadonlySet<string> = new Set()

function isMessagePart(part: TextPart): part is MessagePart {
  return part in keysOfPart
}
