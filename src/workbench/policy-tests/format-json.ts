import type { RunReport } from './run-policy-tests.js'

/** For programs; a field never changes its meaning within one version. */
export function formatJson({ cases, findings, coverage, leftOut, passed, failed }: RunReport): string {
  const told = {
    version: 'mcp-authz.dev/policy-test-report/v1',
    summary: { passed, failed, leftOut, findings: findings.length },
    cases: cases.map(({ test, name, location: { file, line, column }, status, actual, mismatches, explanation }) => ({
      ...{ test, name, file, line, column, status, actual, mismatches, explanation },
    })),
    findings,
    ...(coverage !== undefined && { coverage }),
  }
  return JSON.stringify(told, undefined, 2).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped)
}

/** To some readers these end a line. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
