import { isJsonArray, isJsonObject, type JsonValue } from '../../../src/protocol/json-value.js'

/** True if a JavaScript server holds what we read. It rounds integers to doubles; we do not. */
export function sameValue(read: JsonValue | undefined, theirs: unknown): boolean {
  if (read === undefined || read === null) return read === theirs
  if (typeof read === 'bigint') return typeof theirs === 'number' && Number(read) === theirs
  if (isJsonArray(read)) {
    return (
      Array.isArray(theirs) && theirs.length === read.length && read.every((item, at) => sameValue(item, theirs[at]))
    )
  }
  if (isJsonObject(read)) {
    if (typeof theirs !== 'object' || theirs === null || Array.isArray(theirs)) return false
    const members = new Map<string, unknown>(Object.entries(theirs))
    return members.size === read.size && [...read].every(([key, value]) => sameValue(value, members.get(key)))
  }
  return read === theirs
}
