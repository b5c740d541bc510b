/** Longest text of ours that reaches a caller in one piece, in UTF-16 units. */
const maxLength = 2000

/** Terminals act on these: colours, cursor moves, titles (ECMA-48, sections 5.4 and 5.6). Each part is bounded. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const terminalSequence = /(?:\u001b\[|\u009b)[0-?]{0,64}[ -/]{0,16}[@-~]/g

/**
 * What no reader sees, or what changes how the rest is read: control and formatting characters (among them those for
 * direction, zero-width and tag characters), line ends, everything that is ignored by default (variation selectors,
 * fillers), the blank Braille pattern, halves of surrogate pairs, private use.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\s]+/gu

/**
 * Makes text fit to be shown to a model and put on one line, so that what somebody put into it can neither hide from the
 * people who read along nor pass for a line of ours: what is not seen becomes a space, runs of spaces one, and the length
 * is bounded. Linear in the length of the text.
 */
export function safeText(text: string, limit: number = maxLength): string {
  if (text.length <= limit && isSafe(text)) return text
  // What is cut away below is not worth being looked at; spaces may shrink, so that a little more is kept.
  const bounded = text.length > 4 * limit ? text.slice(0, 4 * limit) : text
  const flat = bounded.replace(terminalSequence, ' ').replace(unseen, ' ').trim()
  return flat.length <= limit ? flat : `${flat.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** Whether all is seen already: ASCII with single spaces inside. Most texts are such, and looking is cheaper than replacing. */
function isSafe(text: string): boolean {
  let before = 0x20
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || (code === 0x20 && before === 0x20)) return false
    before = code
  }
  return before !== 0x20 || text === ''
}
