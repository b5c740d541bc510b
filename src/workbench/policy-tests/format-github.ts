import { visibleText } from '../../documents/visible-text.js'
import { complaint, nameOf } from './complaint.js'
import { coverageLine, type FormatOptions, summaryLine } from './format-text.js'
import type { RunReport } from './run-policy-tests.js'

/** Workflow commands of GitHub Actions, which show up at the lines that they are about. */
export function formatGithub(report: RunReport, options: FormatOptions): string {
  const command = (kind: string, file: string, line: number, column: number, title: string, text: string) =>
    `::${kind} file=${property(file)},line=${line},col=${column},title=${property(title)}::${data(visibleText(text, true))}`
  const lines = report.findings.map(finding => {
    const { location, severity, message, hint } = finding
    const text = hint === undefined ? message : `${message}\n${hint}`
    return command(severity, location.file, location.line, location.column, finding.subject || 'policies', text)
  })
  for (const one of report.cases) {
    if (one.status === 'passed') continue
    const { file, line, column } = one.location
    lines.push(command('error', file, line, column, nameOf(one), complaint(one).join('\n')))
  }
  for (const { rule, location, state } of report.coverage?.rules ?? [])
    if (state === 'untouched')
      lines.push(command('notice', location.file, location.line, 1, 'coverage', `no test met ${rule}`))
  if (report.coverage !== undefined) lines.push(coverageLine(report.coverage, options))
  return [...lines, summaryLine(report)].join('\n')
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(visibleText(text)).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
