import { isUtf8 } from 'node:buffer'

/** What base64 holds; `text` is undefined where that is no text in UTF-8. */
export interface DecodedBase64 {
  readonly text: string | undefined
}

/**
 * Reads `data` and `blob` as clients do: white space, missing padding, bits that are left over and the alphabet of URLs are fine. undefined: it is no
 * base64 at all.
 */
export function decodeBase64Text(value: string): DecodedBase64 | undefined {
  const packed = value.replace(/\s+/g, '')
  const plain = packed.endsWith('==') ? packed.slice(0, -2) : packed.endsWith('=') ? packed.slice(0, -1) : packed
  if (!/^[A-Za-z0-9+/_-]*$/.test(plain)) return undefined
  const bytes = Buffer.from(plain, 'base64')
  return { text: isUtf8(bytes) ? bytes.toString('utf8') : undefined }
}

export function encodeBase64Text(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
