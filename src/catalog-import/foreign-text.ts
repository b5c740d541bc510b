/**
 * What a server wrote, fit for a comment or a terminal: one line, without control characters, line separators, marks that
 * reorder text, or lone surrogates, at most `limit` characters.
 */
export function foreignText(text: string, limit = 200): string {
  // Cut first, so that a text of megabytes costs nothing.
  const line = text
    .slice(0, 4 * limit)
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
  const characters = [...line]
  return characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : line
}
