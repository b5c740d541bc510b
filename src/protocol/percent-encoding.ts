import { hexDigit } from './characters.js'

/**
 * The byte that the three characters at `at` stand for, -1 if they are not "%" and two hexadecimal digits. Only for
 * looking at what an encoding hides; nothing is ever judged in its decoded form.
 */
export function percentByte(text: string, at: number): number {
  if (text.charCodeAt(at) !== 0x25) return -1
  const high = hexDigit(text.charCodeAt(at + 1))
  const low = hexDigit(text.charCodeAt(at + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}
