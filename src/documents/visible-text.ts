/**
 * Text of documents, tests or files on one line of a terminal or of a build log: what those would obey (escape sequences, line
 * ends, changes of direction) is written out instead, `\u001b`.
 * @param keepLines leaves line ends and tabs as they are
 */
export function visibleText(text: string, keepLines = false): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}\ufffe\uffff]/gu, character =>
    keepLines && (character === '\n' || character === '\t')
      ? character
      : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
