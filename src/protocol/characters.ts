/** The first position from `from` on that holds the code of no decimal digit. */
export function skipDigits(codes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const code = codes[at]
    if (code === undefined || code < 0x30 || code > 0x39) return at
    at++
  }
}

/** 1 for the codes of characters that do not stand for themselves in a string of JSON. */
const special = Uint8Array.from({ length: 0x100 }, (_, code) => (code < 0x20 || code === 0x22 || code === 0x5c ? 1 : 0))

/**
 * Skips characters that stand for themselves in a string of JSON, four at a time, because most of a large message is long
 * strings: the first that does not, or the end of the text, is at most three behind the position that it gives.
 */
export function skipPlain(codes: Uint8Array, from: number): number {
  // Whatever is not local would be looked up again for every character.
  const kinds = special
  const last = codes.length - 4
  let at = from
  while (
    at <= last &&
    ((kinds[codes[at] ?? 0] ?? 0) |
      (kinds[codes[at + 1] ?? 0] ?? 0) |
      (kinds[codes[at + 2] ?? 0] ?? 0) |
      (kinds[codes[at + 3] ?? 0] ?? 0)) ===
      0
  )
    at += 4
  return at
}

/** The value of a hexadecimal digit in either case, -1 for any other character code. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  return -1
}

/** C0, DEL and C1. */
export function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true
  }
  return false
}
