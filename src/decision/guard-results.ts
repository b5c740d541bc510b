import { isUtf8 } from 'node:buffer'
import { DecisionBudgets } from '../policy/decision-budget.js'
import type { JsonNode } from '../protocol/json-outline.js'
import { jsonString } from '../protocol/json-string.js'
import type { JsonValue } from '../protocol/json-value.js'
import { decodeBase64Text, encodeBase64Text } from '../protocol/mcp/base64-text.js'
import { lateResponse, type ResponseFailure } from '../protocol/mcp/response-failure.js'
import { type MessageTexts, type ResultTexts, resultTextsInSlices } from '../protocol/mcp/result-texts.js'
import { type Edit, splice, spliceInSlices } from '../protocol/splice.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { Sliced } from '../sliced.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import type { Viewer } from './hypothetical-call.js'
import { workInTurns } from './in-turns.js'
import { type AnswerPart, judgeAnswer } from './judge-answer.js'
import { NotesBuilder, noNotes, type ResultNotes } from './result-notes.js'
import { type AskedFor, ResultRules } from './result-rules.js'
import { withheldMessage, withheldText } from './withheld-result.js'

export type { ResultNotes } from './result-notes.js'
export type { AskedFor } from './result-rules.js'

export interface GuardedMessage {
  readonly ok: true
  /** The very same array if nothing has changed. */
  readonly bytes: Uint8Array
  readonly notes: ResultNotes
}

export interface GuardedText {
  /** The very same array if nothing has changed; a message of ours if nothing of it may go on. */
  readonly bytes: Uint8Array
  readonly notes: ResultNotes
}

/** Judges what comes back from a server by the Guardrails about results. For the answers to one request. */
export interface ResultGuard {
  /** No rule can concern what comes back: answers need not be read. */
  readonly idle: boolean
  /**
   * One JSON-RPC message or batch from the server, with messages of ours in place of those that are withheld, and without
   * what is redacted. With a failure nothing of it may go on. Now unless it takes more than some ten milliseconds; what
   * takes longer than the viewer's deadline leaves is withheld.
   */
  guard(message: Uint8Array, decisionId: string): Eventually<GuardedMessage | ResponseFailure>
  /** A body that is no message of JSON-RPC, such as an error page: as one text, by `maxBytes` and patterns. */
  guardText(text: Uint8Array, decisionId: string): Eventually<GuardedText>
}

export function createResultGuard(viewer: Viewer, asked: AskedFor): ResultGuard {
  return new ViewersGuard(viewer, asked)
}

/** Members of one result that validations can read; those of requests are fewer, because people and models write them. */
const resultLimits = { maxDepth: 190, maxMembers: 30_000 } as const

/** Edits between two places where the work may be put aside. */
const stride = 512

/** What is known of a message that is being judged. */
interface Begun {
  texts: ResultTexts | undefined
}

class ViewersGuard implements ResultGuard {
  readonly idle: boolean
  readonly #viewer: Viewer
  readonly #asked: AskedFor
  readonly #rules: ResultRules
  /** Milliseconds for each message: streams live longer than the deadline of their request. */
  readonly #within: number

  constructor(viewer: Viewer, asked: AskedFor) {
    this.#viewer = viewer
    this.#asked = asked
    this.#rules = new ResultRules(viewer, asked)
    this.idle = this.#rules.all.length === 0 && this.#rules.broken.length === 0
    const { deadline, now = Date.now() } = viewer
    this.#within = deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - now)
  }

  guard(message: Uint8Array, decisionId: string): Eventually<GuardedMessage | ResponseFailure> {
    if (this.idle) return { ok: true, bytes: message, notes: noNotes }
    const begun: Begun = { texts: undefined }
    const judged = workInTurns(this.#guard(message, decisionId, begun), performance.now() + this.#within)
    return andThen(judged, guarded => {
      if (guarded !== 'late') return guarded
      const { texts } = begun
      if (texts === undefined) return lateResponse
      const late = new NotesBuilder()
      late.fail(tooLate)
      const all = texts.messages.map(one => this.#withhold(texts, one, [tooLate], decisionId))
      return { ok: true, bytes: splice(message, all), notes: late.build() }
    })
  }

  *#guard(message: Uint8Array, decisionId: string, begun: Begun): Sliced<GuardedMessage | ResponseFailure> {
    const texts = yield* resultTextsInSlices(message, { all: true })
    if (!texts.ok) return texts
    begun.texts = texts
    const notes = new NotesBuilder()
    const edits = yield* this.#judgeAll(texts, decisionId, notes)
    return { ok: true, bytes: yield* spliceInSlices(message, edits), notes: notes.build() }
  }

  guardText(text: Uint8Array, decisionId: string): Eventually<GuardedText> {
    if (this.idle) return { bytes: text, notes: noNotes }
    const notes = new NotesBuilder()
    // Any encoding of which ASCII is a part can be searched so, and put together again.
    const encoding = isUtf8(text) ? 'utf8' : 'latin1'
    const part = wholeText(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString(encoding), text.length)
    const work = judgeAnswer(this.#rules, part, new DecisionBudgets(), notes)
    return andThen(workInTurns(work, performance.now() + this.#within), judged => {
      if (judged === 'late') notes.fail(tooLate)
      if (judged === 'late' || !judged.ok) {
        const failures = judged === 'late' ? [tooLate] : judged.failures
        const { denial } = this.#viewer.server
        const { method } = this.#asked
        const withheld = withheldText({ failures, decisionId, denial, method })
        return { bytes: Buffer.from(withheld), notes: notes.build() }
      }
      const redacted = judged.redacted.get(0)
      return { bytes: redacted === undefined ? text : Buffer.from(redacted, encoding), notes: notes.build() }
    })
  }

  *#judgeAll(texts: ResultTexts, decisionId: string, notes: NotesBuilder): Sliced<readonly Edit[]> {
    const edits: Edit[] = []
    const budgets = new DecisionBudgets()
    for (const one of texts.messages) {
      const part = partOf(texts, one)
      const judged = yield* judgeAnswer(this.#rules, part, budgets, notes)
      if (!judged.ok) {
        edits.push(this.#withhold(texts, one, judged.failures, decisionId))
        continue
      }
      for (const [index, text] of judged.redacted) {
        if (edits.length % stride === stride - 1) yield
        const isData = texts.place(index, one).part === 'data' && decodeBase64Text(texts.value(index)) !== undefined
        edits.push({ ...texts.span(index), text: jsonString(isData ? encodeBase64Text(text) : text) })
      }
    }
    return edits
  }

  #withhold(
    { outline }: ResultTexts,
    { message, node }: MessageTexts,
    failures: readonly Failure[],
    decisionId: string,
  ): Edit {
    const { denial } = this.#viewer.server
    const { method } = this.#asked
    const text = withheldMessage(outline, message, { failures, decisionId, denial, method })
    return { start: outline.start(node), end: outline.end(node), text }
  }
}

const tooLate = failure('guardrail.error', 'the guardrails about this result could not be judged in time', {
  hints: ['Ask for less.'],
})

function partOf(texts: ResultTexts, one: MessageTexts): AnswerPart {
  const { outline } = texts
  const { message, from, to } = one
  const result = message?.result
  const sizeOf = (node: JsonNode | undefined) => (node === undefined ? [] : [outline.end(node) - outline.start(node)])
  return {
    texts: {
      ...{ from, to },
      read(index) {
        const { part, isKey } = texts.place(index, one)
        const value = texts.value(index)
        if (part === 'data') return textOfData(value)
        return !isKey && (part === 'block' || part === 'other') && protocolWords.has(value) ? undefined : value
      },
      isKey: index => texts.place(index, one).isKey,
      // What a server calls things beside JSON-RPC is its own; a new name could be one of JSON-RPC's.
      isFixed: index => texts.place(index, one).part === 'outside' && texts.place(index, one).isKey,
    },
    sizes: [...sizeOf(result), ...sizeOf(message?.error)],
    result:
      result === undefined
        ? undefined
        : () => valueIn(outline.bytes.subarray(outline.start(result), outline.end(result))),
  }
}

/** Values that say what a block or result is: never a secret, and nothing could be put in their place. */
const protocolWords: ReadonlySet<string> = new Set([
  ...['text', 'image', 'audio', 'resource', 'resource_link', 'tool_use', 'tool_result'],
  ...['user', 'assistant', 'complete', 'input_required', 'task', 'public', 'private'],
])

/** Images and sounds are not looked into, unless they are texts (SVG); base64 that is none is a text itself. */
function textOfData(value: string): string | undefined {
  const decoded = decodeBase64Text(value)
  return decoded === undefined ? value : decoded.text
}

function valueIn(bytes: Uint8Array): JsonValue | undefined {
  const read = parseStrictJson(bytes, resultLimits)
  return read.ok ? read.value : undefined
}

function wholeText(text: string, bytes: number): AnswerPart {
  // UTF-16 of ASCII has a zero beside each character. What is found without them cannot be put together again.
  const bare = text.includes('\0') ? text.replaceAll('\0', '') : ''
  return {
    texts: {
      ...{ from: 0, to: 2 },
      read: index => (index === 0 ? text : bare),
      isKey: () => false,
      isFixed: index => index === 1,
    },
    sizes: [bytes],
    result: undefined,
  }
}
