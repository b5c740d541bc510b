/**
 * A copy of an ASCII string that shares no memory with the text it was cut from. JavaScript engines keep the whole source
 * of a cut string alive; in a cache, a name of twenty letters would hold a body of megabytes.
 */
export function detachedString(ascii: string): string {
  return ascii.length === 0 ? '' : Buffer.from(ascii, 'latin1').toString('latin1')
}
