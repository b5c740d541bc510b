import type { Finding } from './finding.js'
import { visibleText } from './visible-text.js'

/**
 * A finding as compilers write it, so that editors and terminals can jump to it:
 * `file:line:column: error: Guardrail/replica-cap spec.x: message [code]`, and the hint on a line of its own.
 * Control characters that the file brought along are made visible.
 */
export function formatFinding({ severity, location, subject, path, message, hint, code }: Finding): string {
  const { file, line, column, document } = location
  const which = document > 1 ? `document ${document}, ` : ''
  const about = [subject, path].filter(part => part !== '').join(' ')
  const context = about === '' ? which.replace(', ', ': ') : `${which}${about}: `
  const first = oneLine(
    `${file}:${line}:${column}: ${severity}: ${context}${message}${code === undefined ? '' : ` [${code}]`}`,
  )
  return hint === undefined ? first : `${first}\n    ${oneLine(hint)}`
}

function oneLine(text: string): string {
  return visibleText(text.replaceAll('\n', ' '))
}
