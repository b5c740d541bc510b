import { jsonString } from '../json-string.js'
import { type Edit, splice } from '../splice.js'
import type { MessageChoice, Rewritten } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'
import { readResultTexts, type TextPlace } from './result-texts.js'

export type { TextPart, TextPlace } from './result-texts.js'

/** A new text in the place of `value`, or undefined to leave it. */
export type MapText = (value: string, place: TextPlace) => string | undefined

export interface TextChoice extends MessageChoice {
  /** Whether base64 of images, sounds and resources is given too; default false. */
  readonly data?: boolean
}

export interface MappedTexts extends Rewritten {
  readonly replaced: number
}

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
  const texts = readResultTexts(bytes, choice)
  if (!texts.ok) return texts
  const edits: Edit[] = []
  for (const message of texts.messages) {
    for (let index = message.from; index < message.to; index++) {
      const place = texts.place(index, message)
      if (place.part === 'data' && choice.data !== true) continue
      const value = texts.value(index)
      const mapped = map(value, place)
      if (mapped !== undefined && mapped !== value) edits.push({ ...texts.span(index), text: jsonString(mapped) })
    }
  }
  return { ok: true, bytes: splice(bytes, edits), replaced: edits.length }
}
