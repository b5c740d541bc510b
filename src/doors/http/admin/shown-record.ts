import { isJsonObject, type JsonObject } from '../../../protocol/json-value.js'
import { parseStrictJson } from '../../../protocol/strict-json.js'
import { writeJson } from '../write-json.js'

/** The arguments, and what the log says of those that it changed. */
const aboutArguments: ReadonlySet<string> = new Set(['arguments', 'erased', 'masked'])

/** Records are our own; arguments that just passed the limits of messages stand a level deeper in them. */
const limits = { anyKeys: true, maxDepth: 128, maxMembers: 1_000_000, maxBytes: 64 * 1024 * 1024 }

/**
 * A record of the decision log as the admin listener shows it: without the arguments that the log may have been told to hold.
 * Who may read the log is one question, who may look at the state of the service another.
 */
export function shownRecord(line: string): string {
  // As a member's name, quotes and colon stand together in what we write; inside a text the quote is escaped.
  if (!line.includes('"arguments":')) return line
  const record = readRecord(line)
  if (record === undefined) return '{}'
  return writeJson(new Map([...record].filter(([key]) => !aboutArguments.has(key))))
}

/** undefined: not a record of ours. */
export function readRecord(line: string): JsonObject | undefined {
  const parsed = parseStrictJson(Buffer.from(line), limits)
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined
}
