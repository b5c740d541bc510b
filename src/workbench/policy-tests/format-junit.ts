import { formatFinding } from '../../documents/format-finding.js'
import { visibleText } from '../../documents/visible-text.js'
import { complaint } from './complaint.js'
import type { CaseReport, RunReport } from './run-policy-tests.js'

/** For build servers. Documents that do not compile are errors; no times, so that the same run gives the same text. */
export function formatJunit({ cases, findings, passed, failed }: RunReport): string {
  const suites = new Map<string, CaseReport[]>()
  for (const one of cases) {
    const suite = suites.get(`${one.location.file} ${one.test}`) ?? []
    suites.set(`${one.location.file} ${one.test}`, suite)
    suite.push(one)
  }
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mcp-authz" tests="${passed + failed + findings.length}" failures="${failed}" errors="${findings.length}">`,
  ]
  for (const suite of suites.values()) {
    const [first] = suite
    const failures = suite.filter(({ status }) => status === 'failed').length
    lines.push(
      `  <testsuite name="${xml(first?.test ?? '')}" file="${xml(first?.location.file ?? '')}" tests="${suite.length}" failures="${failures}" errors="0">`,
    )
    for (const one of suite) {
      const { file, line } = one.location
      const head = `    <testcase name="${xml(one.name)}" classname="${xml(one.test)}" file="${xml(file)}" line="${line}"`
      if (one.status === 'passed') lines.push(`${head}/>`)
      else {
        const [worst] = one.mismatches
        const message = worst === undefined ? '' : `${worst.field}: expected ${worst.expected}, got ${worst.actual}`
        lines.push(`${head}>`)
        lines.push(
          `      <failure message="${xml(message)}">${xml(complaint(one).join('\n'))}</failure>`,
          '    </testcase>',
        )
      }
    }
    lines.push('  </testsuite>')
  }
  if (findings.length > 0) {
    lines.push(`  <testsuite name="documents" tests="${findings.length}" failures="0" errors="${findings.length}">`)
    for (const finding of findings) {
      const { file, line } = finding.location
      lines.push(
        `    <testcase name="${xml(`${file}:${line}`)}" classname="documents" file="${xml(file)}" line="${line}">`,
      )
      lines.push(
        `      <error message="${xml(finding.message)}">${xml(formatFinding(finding))}</error>`,
        '    </testcase>',
      )
    }
    lines.push('  </testsuite>')
  }
  lines.push('</testsuites>')
  return lines.join('\n')
}

/** Characters that XML 1.0 has no way to write are left out as well. */
function xml(text: string): string {
  return visibleText(text, true).replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
