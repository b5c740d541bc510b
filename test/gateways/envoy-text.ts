import { isUtf8 } from 'node:buffer'

/** Bytes where Envoy wants text: valid UTF-8 as it is, every other byte as "!" (seen in 1.40). */
export function envoyText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(count => at + count <= bytes.length && isUtf8(bytes.subarray(at, at + count)))
    text += length === undefined ? '!' : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return text
}
