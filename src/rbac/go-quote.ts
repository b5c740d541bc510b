const named: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

/** Quotes like `%q` of Go, so that reasons read exactly like those of the API server (and hold no control characters). */
export function goQuote(text: string): string {
  let out = '"'
  for (const character of text) {
    const short = named.get(character)
    if (short !== undefined) out += short
    else if (printable.test(character)) out += character
    else out += escaped(character.codePointAt(0) ?? 0)
  }
  return `${out}"`
}

function escaped(code: number): string {
  const hex = code.toString(16)
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
}
