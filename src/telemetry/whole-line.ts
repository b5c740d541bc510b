import { parseStrictJson } from '../protocol/strict-json.js'

/** Whether the line was written to its end, whatever it says: a part of a JSON object is none. */
export function isWholeLine(bytes: Uint8Array): boolean {
  return parseStrictJson(bytes).ok
}
