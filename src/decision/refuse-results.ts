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
 */
export function refuseResults(message: Uint8Array, decision: Decision): Uint8Array | undefined {
  const read = readServerMessages(message)
  if (!read.ok) return undefined
  const { outline } = read
  const edits: Edit[] = []
  for (const one of read.messages) {
    if (one.result === undefined) continue
    edits.push({ start: outline.start(one.node), end: outline.end(one.node), text: refusalOf(one, decision) })
  }
  return edits.length === 0 ? undefined : splice(message, edits)
}

/** For where no id can be read. */
export function refusalWithoutId(decision: Decision): Uint8Array {
  return Buffer.from(refusalOf({ id: undefined }, decision))
}

function refusalOf({ id = 'null' }: Pick<ServerMessage, 'id'>, { id: decisionId, failure }: Decision): string {
  if (failure === undefined) throw new Error('a refusal has a reason')
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(errorOf(failure, plainForm(failure).code, decisionId))}}`
}
