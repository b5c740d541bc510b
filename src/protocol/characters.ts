/** The first position from `from` on that holds the code of no decimal digit. */
export function skipDigits(codes: Uint8Array | Uint16Array, from: number): number {
  let at = from
  for (;;) {
    const code = codes[at]
    if (code === undefined || code < 0x30 || code > 0x39) return at
    at++
  }
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
