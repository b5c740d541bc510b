/** Short strings go through here and back: to allocate a buffer for each takes longer than to copy it. */
const passage = Buffer.allocUnsafeSlow(256)

/**
 * A copy of an ASCII string that shares no memory with the text it was cut from. JavaScript engines keep the whole source
 * of a cut string alive; in a cache, a name of twenty letters would hold a body of megabytes.
 */
export function detachedString(ascii: string): string {
  if (ascii.length > passage.length) return Buffer.from(ascii, 'latin1').toString('latin1')
  return passage.toString('latin1', 0, passage.write(ascii, 'latin1'))
}
