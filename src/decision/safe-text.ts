/** Longest text of ours that reaches a caller in one piece. */
const maxLength = 2000

/**
 * Makes text fit to be shown to a model and put on one line: control and invisible formatting characters (which could
 * hide instructions or break a line) become spaces, runs of white space one space, and the length is bounded.
 */
export function safeText(text: string): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return flat.length <= maxLength ? flat : `${flat.slice(0, maxLength - 1)}…`
}
