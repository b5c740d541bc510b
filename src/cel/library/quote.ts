const escapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
])

/** `strings.quote(text)`: a CEL literal in double quotes; only what CEL must escape is escaped. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]|\p{Cc}/gu, character => escapes.get(character) ?? character)}"`
}

/** As Go's %q: what cannot be printed is escaped by number too. Kubernetes shows texts inside of lists like that. */
export function quotePrintable(text: string): string {
  return `"${text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, character => escapes.get(character) ?? byNumber(character))}"`
}

function byNumber(character: string): string {
  const point = character.codePointAt(0) ?? 0
  const hex = point.toString(16)
  if (point < 0x80) return `\\x${hex.padStart(2, '0')}`
  return point < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
