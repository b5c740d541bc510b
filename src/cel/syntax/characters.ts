/** Classes of characters by UTF-16 unit; names and numbers of CEL are ASCII (cel-spec langdef "Syntax"). */
export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

export const isHexDigit = (code: number): boolean =>
  isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)

export const isNameStart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f

export const isNamePart = (code: number): boolean => isNameStart(code) || isDigit(code)

/** What may stand between backticks: letters, digits, and `_ . - /` and the blank. */
export const isQuotedNamePart = (code: number): boolean =>
  isNamePart(code) || code === 0x2e || code === 0x2d || code === 0x2f || code === 0x20

/** Bytes of UTF-8, or the offset of a surrogate without its partner. */
export function measureSource(source: string): { readonly bytes: number } | { readonly unpaired: number } {
  let bytes = source.length
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at)
    if (code < 0x80) continue
    if (code < 0x800) bytes += 1
    else if (code < 0xd800 || code > 0xdfff) bytes += 2
    else {
      const next = source.charCodeAt(at + 1)
      if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return { unpaired: at }
      bytes += 2
      at++
    }
  }
  return { bytes }
}
