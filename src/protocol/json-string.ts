/** Line ends to some readers of lines, older clients of event streams among them; not to JSON, which leaves them bare. */
const otherLineEnds = /[\u0085\u2028\u2029]/g

/** A text as a JSON string, all on one line to whoever reads lines. Half of a surrogate pair becomes an escape. */
export function jsonString(text: string): string {
  return JSON.stringify(text).replace(otherLineEnds, end => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
