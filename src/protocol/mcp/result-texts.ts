import { atOnce, type Sliced } from '../../sliced.js'
import type { JsonNode, JsonOutline } from '../json-outline.js'
import {
  chosenMessages,
  type MessageChoice,
  type ServerMessage,
  serverMessagesInSlices,
} from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'
import { decodeTextCode, type TextPart, TextWalk } from './text-walk.js'

export type { TextPart } from './text-walk.js'

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

/**
 * Finds every text of the results, errors and params of an answer. Nothing is left out because it looks like no text: a
 * secret may stand in a title, a key or an unknown kind of block. Keys that come twice are both there. Texts are decoded
 * when they are read, so that a message of a million texts is no million strings.
 */
export function readResultTexts(bytes: Uint8Array, choice: ResultTextChoice = {}): ResultTexts | ResponseFailure {
  return atOnce(resultTextsInSlices(bytes, choice))
}

/** The same as {@link readResultTexts}, some of it at a time; the bytes must stay as they are meanwhile. */
export function* resultTextsInSlices(
  bytes: Uint8Array,
  choice: ResultTextChoice = {},
): Sliced<ResultTexts | ResponseFailure> {
  const read = yield* serverMessagesInSlices(bytes, choice)
  if (!read.ok) return read
  const { outline } = read
  const walk = new TextWalk(outline, choice.all ?? false)
  const messages: MessageTexts[] = []
  const add = function* (node: JsonNode, message: ServerMessage | undefined, visit: Sliced<void>): Sliced<void> {
    const from = walk.nodes.length
    yield* visit
    messages.push({ message, node, from, to: walk.nodes.length })
  }
  const chosen = chosenMessages(read.messages, choice)
  if (choice.all === true) {
    const byNode = new Map(chosen.map(message => [message.node, message]))
    for (const node of outline.kind(0) === 'array' ? outline.elements(0) : [0]) {
      const message = byNode.get(node)
      if (message !== undefined) yield* add(node, message, walk.message(message))
      else if (outline.kind(node) !== 'object') yield* add(node, undefined, walk.value(node, 'outside'))
    }
  } else for (const message of chosen) yield* add(message.node, message, walk.parts(message))
  // There are few different ones, and many texts.
  const places: { of: MessageTexts | undefined; byCode: (TextPlace | undefined)[] } = { of: undefined, byCode: [] }
  return {
    ok: true,
    outline,
    messages,
    place(index, of) {
      if (places.of !== of) {
        places.of = of
        places.byCode = []
      }
      const code = walk.codes[index] ?? 0
      const known = places.byCode[code]
      if (known !== undefined) return known
      const place = { ...decodeTextCode(code), id: of.message?.id }
      places.byCode[code] = place
      return place
    },
    value(index) {
      const node = walk.nodes[index] ?? 0
      const { isNumber } = decodeTextCode(walk.codes[index] ?? 0)
      return isNumber ? numberText(outline.lexeme(node)) : outline.string(node)
    },
    span(index) {
      const node = walk.nodes[index] ?? 0
      return { start: outline.start(node), end: outline.end(node) }
    },
  }
}

/** Without an exponent where readers would show none: `4.5e15` is what a person reads as 4500000000000000. */
function numberText(lexeme: string): string {
  return /[.eE]/.test(lexeme) ? String(Number(lexeme)) : lexeme
}
