import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { Access } from './authorizer.js'
import type { SarSpec } from './sar-question.js'

/** What an API server said; undefined when it is not an answer to the question. */
export type SarAnswer = Access | undefined

/**
 * Reads a SubjectAccessReview as it comes back. Allowed is only what is allowed and not denied as well, as the API server
 * itself reads the answers of webhooks. What we did not ask for (a decision under conditions, KEP-5681) denies; fields that
 * are not known are ignored; anything else that is not as it must be is no answer.
 */
export function readSarAnswer(body: JsonValue, spec: SarSpec): SarAnswer {
  if (!isJsonObject(body) || body.get('kind') !== 'SubjectAccessReview') return undefined
  const said = body.get('spec')
  const status = body.get('status')
  if (!isJsonObject(status) || !isJsonObject(said) || !repeats(said, spec)) return undefined
  const allowed = status.get('allowed')
  const denied = status.get('denied') ?? false
  const reason = status.get('reason') ?? ''
  const error = status.get('evaluationError') ?? ''
  if (typeof allowed !== 'boolean' || typeof denied !== 'boolean') return undefined
  if (typeof reason !== 'string' || typeof error !== 'string') return undefined
  if (status.has('conditionalDecision'))
    return { allowed: false, reason: 'the API server decided under conditions, which counts as no' }
  // An error beside an allow is about something that did not matter: a binding whose role is gone, for instance.
  if (allowed && !denied) return { allowed: true, reason: cleanReason(reason) }
  const texts = [reason, error].filter(text => text !== '')
  return { allowed: false, reason: cleanReason(texts.map(text => text.slice(0, 4 * longestReason)).join('; ')) }
}

/** An API server answers with what it was asked. What is empty is left out. */
function repeats(
  said: JsonObject,
  { user, uid = '', resourceAttributes, nonResourceAttributes, ...rest }: SarSpec,
): boolean {
  if (said.get('user') !== user || (said.get('uid') ?? '') !== uid) return false
  if (!sameTexts(said.get('groups'), rest.groups ?? [])) return false
  return (
    sameAttributes(said.get('resourceAttributes'), resourceAttributes) &&
    sameAttributes(said.get('nonResourceAttributes'), nonResourceAttributes)
  )
}

function sameTexts(said: JsonValue | undefined, asked: readonly string[]): boolean {
  const texts = said ?? []
  return isJsonArray(texts) && texts.length === asked.length && asked.every((text, at) => texts[at] === text)
}

function sameAttributes(said: JsonValue | undefined, asked: Readonly<Record<string, unknown>> | undefined): boolean {
  if (asked === undefined || said === undefined) return asked === said
  if (!isJsonObject(said)) return false
  return Object.entries(asked).every(([name, value]) => typeof value !== 'string' || (said.get(name) ?? '') === value)
}

/** UTF-16 units. */
const longestReason = 2000

/** What nobody sees, and what changes how the rest is read. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu

/** Another program's words on one line and bounded. They share no memory with the answer: they may be kept for long. */
export function cleanReason(text: string): string {
  if (text === '') return ''
  const flat = text
    .slice(0, 4 * longestReason)
    .replace(unseen, ' ')
    .trim()
  const cut =
    flat.length <= longestReason ? flat : `${flat.slice(0, longestReason - 1).replace(/[\ud800-\udbff]$/, '')}…`
  return Buffer.from(cut).toString()
}
