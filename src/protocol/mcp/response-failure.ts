/** Why something that a server sent cannot be passed on as it is. Closed; a code is never reused for something else. */
export type ResponseReason =
  | 'response.too_large'
  | 'response.encoding'
  | 'response.not_json'
  | 'response.too_deep'
  | 'response.too_many_members'
  | 'response.batch'
  | 'response.duplicate_key'
  | 'response.folded_key'
  | 'response.forbidden_key'
  | 'response.id'
  | 'response.list'
  | 'response.item'
  /** Nothing is wrong with it, but judging it took too long. */
  | 'response.late'

export interface ResponseFailure {
  readonly ok: false
  readonly reason: ResponseReason
  /** For the operator and the caller; holds nothing of the text. */
  readonly message: string
  /** Bytes before the fault. */
  readonly at: number
}

const problems = {
  'response.too_large': 'The answer is larger than what can be read',
  'response.encoding': 'The answer is not valid UTF-8',
  'response.not_json': 'The answer is not one complete JSON text',
  'response.too_deep': 'Objects and arrays of the answer are nested too deeply',
  'response.too_many_members': 'The answer has too many members',
  'response.batch': 'The answer is a batch of too many messages',
  'response.duplicate_key': 'A member that matters comes twice; clients would disagree about which one counts',
  'response.folded_key': 'A key differs only in case from one that matters; some clients take it for that one',
  'response.forbidden_key': 'A key is "__proto__" or holds a control character',
  'response.id': 'An id is neither a string nor a number',
  'response.list': 'A list of the result is no array',
  'response.item': 'An item of a list has no name, or one that is no well-formed string',
} as const satisfies Record<Exclude<ResponseReason, 'response.late'>, string>

export const lateResponse: ResponseFailure = {
  ok: false,
  reason: 'response.late',
  message: 'There is more in the answer than can be checked in time; ask for less, such as shorter pages.',
  at: 0,
}

export function responseFailure(reason: keyof typeof problems, at: number): ResponseFailure {
  return { ok: false, reason, message: `${problems[reason]} (at byte ${at}); the server must be mended.`, at }
}
