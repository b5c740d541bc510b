import { formatFinding } from '../../documents/format-finding.js'
import { visibleText } from '../../documents/visible-text.js'
import { complaint, nameOf, placeOf } from './complaint.js'
import type { CoverageReport } from './rule-coverage.js'
import type { RunReport } from './run-policy-tests.js'

export interface FormatOptions {
  /** Tells of cases that passed, too. */
  readonly verbose: boolean
  /** Percent of the rules; undefined: none is asked for. */
  readonly threshold: number | undefined
}

/** For people. */
export function formatText(report: RunReport, options: FormatOptions): string {
  const { cases, findings, coverage } = report
  const lines = findings.map(finding => visibleText(formatFinding(finding), true))
  for (const one of cases) {
    if (one.status === 'failed')
      lines.push(`FAIL  ${nameOf(one)}  ${placeOf(one)}`, ...complaint(one).map(line => `      ${line}`))
    else if (options.verbose) lines.push(`ok    ${nameOf(one)}  ${visibleText(one.actual)}`)
  }
  if (coverage !== undefined) lines.push(...untouched(coverage), coverageLine(coverage, options))
  lines.push(summaryLine(report))
  return lines.join('\n')
}

export function summaryLine({ passed, failed, leftOut, findings }: RunReport): string {
  const rest = leftOut === 0 ? '' : `, ${leftOut} left out by --filter`
  return `${passed} passed, ${failed} failed${rest}${findings.length === 0 ? '' : '; not all tests could run'}`
}

export function coverageLine({ rules, decided, percent }: CoverageReport, { threshold }: FormatOptions): string {
  const wanted = threshold === undefined || percent >= threshold ? '' : `, fewer than the ${threshold} % asked for`
  return `coverage: ${decided} of ${rules.length} rules decided, ${percent} %${wanted}`
}

function untouched({ rules }: CoverageReport): readonly string[] {
  return rules.flatMap(({ rule, location, state }) => {
    if (state === 'decided') return []
    const what = state === 'asked' ? 'took part, but decided nothing' : 'no test met it'
    return [`  ${location.file}:${location.line}: ${rule}: ${what}`]
  })
}
