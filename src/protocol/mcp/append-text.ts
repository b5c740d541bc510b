import { atOnce, type Sliced } from '../../sliced.js'
import { FoldedKeys } from '../fold-key.js'
import type { JsonNode, JsonOutline } from '../json-outline.js'
import { jsonString } from '../json-string.js'
import { type Edit, splice } from '../splice.js'
import { MemberReader } from './member-reader.js'
import { chosenMessages, type MessageChoice, type Rewritten, serverMessagesInSlices } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

/** Bytes of the block that is added, as it stands in the result. */
export const maxContextBytes = 1024

export interface AppendedText extends Rewritten {
  /** In how many results the text now stands. */
  readonly appended: number
}

const resultKeys = new FoldedKeys(['content', 'structuredContent', 'resultType', 'isError', 'toolResult', 'task'])
const open = '{"type":"text","text":"'
const close = '","_meta":{"mcp-authz.dev/context":true}}'
const ellipsis = '…'

/**
 * Adds one text block to the end of the `content` of results of tools/call, marked in its `_meta` as ours; all other bytes
 * stay. Texts are joined by line feeds and cut where the block would exceed 1 KiB. A result is left alone where a block
 * would change what it means: it has no `content`; it has `structuredContent` and empty content, because then clients show
 * the model the structure only as long as there is no text; it is not complete (input is required, or a task was made).
 * Errors of JSON-RPC have no content. The mark tells readers what the block is and proves nothing: results to which there is
 * nothing to add are not looked at, and a server can write the same mark into its own blocks.
 */
export function appendText(
  bytes: Uint8Array,
  texts: readonly string[],
  choice: MessageChoice = {},
): AppendedText | ResponseFailure {
  return atOnce(appendTextInSlices(bytes, texts, choice))
}

/** The same as {@link appendText}, some of it at a time; the bytes must stay as they are meanwhile. */
export function* appendTextInSlices(
  bytes: Uint8Array,
  texts: readonly string[],
  choice: MessageChoice = {},
): Sliced<AppendedText | ResponseFailure> {
  const read = yield* serverMessagesInSlices(bytes, choice)
  if (!read.ok) return read
  const { outline } = read
  const reader = new MemberReader(resultKeys)
  const block = contextBlock(texts)
  const edits: Edit[] = []
  for (const { result } of chosenMessages(read.messages, choice)) {
    if (result === undefined || outline.kind(result) !== 'object') continue
    const members = yield* reader.inSlices(outline, result)
    if (!members.ok) return members
    const content = contentOf(outline, members.values)
    if (content === undefined || block === undefined) continue
    const last = outline.elements(content).at(-1)
    const at = last === undefined ? outline.start(content) + 1 : outline.end(last)
    edits.push({ start: at, end: at, text: last === undefined ? block : `,${block}` })
  }
  return { ok: true, bytes: splice(bytes, edits), appended: edits.length }
}

/** The array to add to. */
function contentOf(outline: JsonOutline, values: ReadonlyMap<string, JsonNode>): JsonNode | undefined {
  const content = values.get('content')
  if (content === undefined || outline.kind(content) !== 'array' || values.has('task')) return undefined
  const type = values.get('resultType')
  if (type !== undefined && outline.lexeme(type) !== '"complete"') return undefined
  const isEmpty = outline.next(content) === content + 1
  return isEmpty && (values.has('structuredContent') || values.has('toolResult')) ? undefined : content
}

/** Undefined if there is nothing to say. */
function contextBlock(texts: readonly string[]): string | undefined {
  const text = texts.filter(one => one !== '').join('\n')
  if (text === '') return undefined
  const room = maxContextBytes - open.length - close.length
  let written = ''
  let size = 0
  // Where to cut if the whole does not fit.
  let fits = ''
  for (const character of text) {
    const piece = escaped(character)
    size += Buffer.byteLength(piece)
    if (size > room) return open + fits + ellipsis + close
    written += piece
    if (size <= room - Buffer.byteLength(ellipsis)) fits = written
  }
  return open + written + close
}

/** Half of a surrogate pair, which strict clients refuse, becomes the replacement character. */
function escaped(character: string): string {
  return /^[\ud800-\udfff]$/.test(character) ? '\ufffd' : jsonString(character).slice(1, -1)
}
