/** Whether a text has a character that does not fit into one byte (Latin-1). */
export function isWide(text: string): boolean {
  return /[\u0100-\uffff]/.test(text)
}

/** Bytes that a text takes in memory beside its object: engines keep all of its characters with one byte, or all with two. */
export function textBytes(text: string): number {
  return isWide(text) ? 2 * text.length : text.length
}
