import { isNamePart, isNameStart } from './characters.js'

/** Literals and the one operator that is a word: never names, nor fields except in backticks. */
export const keywords: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in'])

/** Kept for other languages CEL is embedded in: no names, but fields and methods may be called so (langdef "Syntax"). */
export const reservedWords: ReadonlySet<string> = new Set([
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])

/** Whether a field can be written without backticks. */
export function isPlainField(field: string): boolean {
  if (field === '' || keywords.has(field) || !isNameStart(field.charCodeAt(0))) return false
  for (let at = 1; at < field.length; at++) if (!isNamePart(field.charCodeAt(at))) return false
  return true
}
