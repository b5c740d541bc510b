import type * as z from 'zod'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import {
  anyRecordSchema,
  type decisionRecordSchema,
  type logRecordSchema,
  type resultRecordSchema,
  type shadowRecordSchema,
} from './decision-log-schema.js'
import { readLines } from './read-lines.js'
import { decisionRecordVersion } from './record-versions.js'

/** The record of a decision. Its arguments, if recorded, keep whole numbers apart that JavaScript's numbers would not. */
export type DecisionRecord = Omit<z.infer<typeof decisionRecordSchema>, 'arguments'> & {
  readonly arguments?: JsonObject
}
export type ResultRecord = z.infer<typeof resultRecordSchema>
export type ShadowRecord = z.infer<typeof shadowRecordSchema>
/** What the log says of itself. */
export type LogRecord = z.infer<typeof logRecordSchema>

/** One line; exactly one of the other three is there. */
export interface ReadRecord {
  /** From 1. */
  readonly line: number
  /** The record of a decision. */
  readonly record?: DecisionRecord
  /** Another record of ours. */
  readonly other?: ResultRecord | ShadowRecord | LogRecord
  /** Why the line is no record; holds nothing of the line. */
  readonly problem?: string
}

export interface ReadRecordsOptions {
  /** Bytes of one line at most; longer ones are a problem. Default 1 MiB. */
  readonly maxLineBytes?: number
}

export const defaultMaxLineBytes = 1024 * 1024

/**
 * The records of a decision log (NDJSON), one after the other in bounded memory. A line that is none is told as such and
 * reading goes on; empty lines are passed over. Rejects only when the stream does. Strings of a record may share memory
 * with their line.
 */
export async function* readRecords(
  stream: AsyncIterable<Uint8Array | string>,
  options: ReadRecordsOptions = {},
): AsyncGenerator<ReadRecord, void, undefined> {
  for await (const { line, bytes, problem } of readLines(stream, options.maxLineBytes ?? defaultMaxLineBytes)) {
    if (bytes === undefined) yield { line, problem }
    else if (bytes.length > 0) yield { line, ...readRecord(bytes) }
  }
}

/** Reads one line. */
export function readRecord(bytes: Uint8Array): Omit<ReadRecord, 'line'> {
  const json = parseStrictJson(bytes)
  if (!json.ok) return { problem: `not a JSON object: ${json.message}` }
  if (!isJsonObject(json.value)) return { problem: 'not a JSON object' }
  const parsed = anyRecordSchema.safeParse(plain(json.value))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const at = issue?.path.join('.') ?? ''
    return {
      problem: at === 'version' ? 'of no version that is known here' : `not a record: "${at}" is not as expected`,
    }
  }
  if (parsed.data.version !== decisionRecordVersion) return { other: parsed.data }
  const { arguments: _, ...record } = parsed.data
  const args = json.value.get('arguments')
  return { record: isJsonObject(args) ? { ...record, arguments: args } : record }
}

function plain(value: JsonValue): unknown {
  if (isJsonArray(value)) return value.map(plain)
  if (isJsonObject(value)) {
    const object: Record<string, unknown> = {}
    for (const [key, item] of value) object[key] = plain(item)
    return object
  }
  return typeof value === 'bigint' ? Number(value) : value
}
