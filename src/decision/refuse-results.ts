import { readJsonOutline } from '../protocol/json-outline.js'
import { readLists } from '../protocol/mcp/read-lists.js'
import { readServerMessages, type ServerMessage } from '../protocol/mcp/read-server-messages.js'
import { type Edit, splice } from '../protocol/splice.js'
import type { Decision } from './decision.js'
import { errorOf, plainForm } from './plain-denial.js'

/** Whether a message holds a list; true as well of one that cannot be read in one way only. */
export function holdsList(message: Uint8Array): boolean {
  const read = readLists(message)
  return !read.ok || read.results.some(({ lists }) => lists.length > 0)
}

/**
 * A message or batch with an error of ours in place of every result, each under the id of what it answers; the rest stays.
 * undefined: the ids cannot be read, or there is no result to replace.
 *
 * @param all errors and what the server sends on its own do not stay either
 */
export function refuseResults(message: Uint8Array, decision: Decision, all = false): Uint8Array | undefined {
  const read = readServerMessages(message)
  if (!read.ok) return undefined
  const { outline } = read
  const edits: Edit[] = []
  for (const one of read.messages) {
    if (one.result === undefined && !all) continue
    edits.push({ start: outline.start(one.node), end: outline.end(one.node), text: refusalIn(one, decision) })
  }
  return edits.length === 0 ? undefined : splice(message, edits)
}

/**
 * In place of a message in which no result can be told from others: under its id if it has one, so that its client need not
 * wait for another answer.
 */
export function refusalOfMessage(message: Uint8Array, decision: Decision): Uint8Array {
  return Buffer.from(refusalOf({ id: onlyId(message) }, decision))
}

function onlyId(message: Uint8Array): string | undefined {
  const read = readJsonOutline(message)
  if (!read.ok || read.outline.kind(0) !== 'object') return undefined
  const { outline } = read
  const ids: string[] = []
  for (let key = 1; key < outline.next(0); key = outline.next(key + 1)) {
    const kind = outline.kind(key + 1)
    if (outline.string(key) === 'id' && (kind === 'string' || kind === 'number')) ids.push(outline.lexeme(key + 1))
  }
  return ids.length === 1 ? ids[0] : undefined
}

/** What is no answer must not become one: its id is the server's own, and may be that of another request. */
function refusalIn(one: ServerMessage, decision: Decision): string {
  const isAnswer = one.result !== undefined || one.error !== undefined || !one.hasMethod
  return isAnswer ? refusalOf(one, decision) : notice(decision)
}

function notice({ id: decisionId, failure }: Decision): string {
  if (failure === undefined) throw new Error('a refusal has a reason')
  const data = { message: failure.message, reason: failure.reason, decisionId }
  return JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level: 'warning', logger: 'mcp-authz', data },
  })
}

function refusalOf({ id = 'null' }: Pick<ServerMessage, 'id'>, { id: decisionId, failure }: Decision): string {
  if (failure === undefined) throw new Error('a refusal has a reason')
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(errorOf(failure, plainForm(failure).code, decisionId))}}`
}
