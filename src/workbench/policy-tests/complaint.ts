import type { CaseReport } from './run-policy-tests.js'

/** Where a case stands, as editors and terminals jump to it. */
export function placeOf({ location: { file, line, column } }: Pick<CaseReport, 'location'>): string {
  return `${visible(file)}:${line}:${column}`
}

/** Of the document, and of the case in it. */
export function nameOf({ test, name }: CaseReport): string {
  return `${test}/${visible(name)}`
}

/** What was expected, what came, and who said so. */
export function complaint({ mismatches, explanation }: CaseReport): readonly string[] {
  return [
    ...mismatches.flatMap(({ field, expected, actual }) => [
      `${field}: expected ${visible(expected)}`,
      `${' '.repeat(field.length)}       got ${visible(actual)}`,
    ]),
    ...explanation.map(line => `  ${visible(line)}`),
  ]
}

/** Texts of policies and tests may hold anything; what a terminal would obey is made visible. */
export function visible(text: string, keepLines = false): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}\ufffe\uffff]/gu, character =>
    keepLines && (character === '\n' || character === '\t')
      ? character
      : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
