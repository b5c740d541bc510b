import { formatFinding } from '../../documents/format-finding.js'
import { visibleText } from '../../documents/visible-text.js'
import { jsonString } from '../../protocol/json-string.js'
import { complaint, nameOf, placeOf } from './complaint.js'
import type { RunReport } from './run-policy-tests.js'

/** The Test Anything Protocol, version 14. */
export function formatTap({ cases, findings }: RunReport): string {
  const lines = ['TAP version 14', `1..${cases.length + findings.length}`]
  let number = 0
  for (const one of cases) {
    number++
    lines.push(`${one.status === 'passed' ? 'ok' : 'not ok'} ${number} - ${tap(nameOf(one))}`)
    if (one.status === 'passed') continue
    lines.push('  ---', `  at: ${jsonString(placeOf(one))}`, '  found:')
    lines.push(...complaint(one).map(line => `    - ${jsonString(line)}`), '  ...')
  }
  for (const finding of findings) {
    number++
    lines.push(`not ok ${number} - ${tap(visibleText(`${finding.location.file}:${finding.location.line}`))}`)
    lines.push('  ---', `  message: ${jsonString(visibleText(formatFinding(finding), true))}`, '  ...')
  }
  return lines.join('\n')
}

function tap(text: string): string {
  return text.replace(/[\\#]/g, '\\$&')
}
