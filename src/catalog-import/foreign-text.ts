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

const plainName = /^[^\p{C}\p{Zl}\p{Zp}]{1,128}$/u

/** Whether a name that a server chose can stand as it is in a file that people read: at most 128 characters of one line. */
export function isPlainName(text: string): boolean {
  return plainName.test(text)
}

/** JSON for a terminal: what could steer it, break a line or reorder text stands in escapes, which mean the same. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, character =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map(at => escapeUnit(character.charCodeAt(at))).join(''),
  )
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
