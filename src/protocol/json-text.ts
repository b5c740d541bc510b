/** Longer texts are rare, and the engine looks through those faster. */
const shortText = 48

/** A text as JSON, exactly as JSON.stringify writes it. Most are short and plain; asking the engine takes longer than looking. */
export function jsonText(value: string): string {
  return value.length <= shortText && isPlain(value) ? `"${value}"` : JSON.stringify(value)
}

/** Whether a text is the same between quotes: visible ASCII and blanks without `"` and `\`. */
function isPlain(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}
