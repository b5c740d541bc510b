import { visibleText } from '../../documents/visible-text.js'
import type { CaseReport } from './run-policy-tests.js'

/** Where a case stands, as editors and terminals jump to it. */
export function placeOf({ location: { file, line, column } }: Pick<CaseReport, 'location'>): string {
  return `${visibleText(file)}:${line}:${column}`
}

/** Of the document, and of the case in it. */
export function nameOf({ test, name }: CaseReport): string {
  return `${test}/${visibleText(name)}`
}

/** What was expected, what came, and who said so. */
export function complaint({ mismatches, explanation }: CaseReport): readonly string[] {
  return [
    ...mismatches.flatMap(({ field, expected, actual }) => [
      `${field}: expected ${visibleText(expected)}`,
      `${' '.repeat(field.length)}       got ${visibleText(actual)}`,
    ]),
    ...explanation.map(line => `  ${visibleText(line)}`),
  ]
}
