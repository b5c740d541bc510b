import { describe, expect, it } from 'vitest'
import { formatRun, type RunFormat, runFormats } from './format-run.js'
import { cast, run } from './policy-tests.fixture.js'
import type { CaseReport, RunReport } from './run-policy-tests.js'

const location = { file: 'a_test.yaml', document: 1, line: 3, column: 5 }
const hostile = 'a "b" <c> & \'d\' \u001b[31m # 5% , : \u2028 ]]> \ud800 end'
const failed: CaseReport = {
  ...{ test: 't', name: hostile, location, status: 'failed', actual: 'deny' },
  mismatches: [{ field: 'decision', expected: hostile, actual: `deny: ${hostile}` }],
  explanation: [hostile],
}
const report: RunReport = {
  cases: [
    { test: 't', name: 'fine', location, status: 'passed', actual: 'allow', mismatches: [], explanation: [] },
    failed,
  ],
  ...{ passed: 1, failed: 1, leftOut: 2, coverage: undefined },
  findings: [
    {
      severity: 'error',
      location,
      subject: 'PolicyTest/u',
      path: 'spec',
      message: hostile,
      hint: 'write, something: else',
    },
  ],
}
const options = { verbose: false, threshold: undefined }

describe('the forms of a report', () => {
  it.each(runFormats)('%s writes nothing that a terminal or a reader of lines would obey', format => {
    const text = formatRun(report, format, options)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
    expect(text).not.toMatch(/\p{Cs}/u)
  })

  it('text: what failed, why, and how many', () => {
    const text = formatRun(report, 'text', options)
    expect(text).toContain('a_test.yaml:3:5: error: PolicyTest/u spec')
    expect(text).toContain('decision: expected a "b" <c>')
    expect(text).not.toContain('ok    t/fine')
    expect(text.split('\n').at(-1)).toBe('1 passed, 1 failed, 2 left out by --filter; not all tests could run')
    expect(formatRun(report, 'text', { ...options, verbose: true })).toContain('ok    t/fine  allow')
  })

  it('json: a stable schema', () => {
    expect(JSON.parse(formatRun(report, 'json', options))).toEqual({
      version: 'mcp-authz.dev/policy-test-report/v1',
      summary: { passed: 1, failed: 1, leftOut: 2, findings: 1 },
      cases: [
        {
          test: 't',
          name: 'fine',
          file: 'a_test.yaml',
          line: 3,
          column: 5,
          status: 'passed',
          actual: 'allow',
          mismatches: [],
          explanation: [],
        },
        {
          test: 't',
          name: hostile,
          file: 'a_test.yaml',
          line: 3,
          column: 5,
          status: 'failed',
          actual: 'deny',
          mismatches: failed.mismatches,
          explanation: [hostile],
        },
      ],
      findings: report.findings,
    })
  })

  it('junit: well-formed, with counts that are right', () => {
    const text = formatRun(report, 'junit', options)
    expect(text).toContain('<testsuites name="mcp-authz" tests="3" failures="1" errors="1">')
    const open: string[] = []
    for (const [, close, name = '', alone] of text.matchAll(
      /<(\/?)([a-z]+)(?: [a-z]+="[^"<&]*(?:&#\d+;[^"<&]*)*")*(\/?)>/g,
    )) {
      if (close === '/') expect(open.pop()).toBe(name)
      else if (alone !== '/') open.push(name)
    }
    expect(open).toEqual([])
    const withoutTags = text.replace(/<[^>]*>/g, '').replace(/&#\d+;/g, '')
    expect(withoutTags).not.toMatch(/[<>&]/)
    expect(text.match(/<testcase /g)).toHaveLength(3)
  })

  it('tap: a plan, and a line for each', () => {
    const lines = formatRun(report, 'tap', options).split('\n')
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '1..3', 'ok 1 - t/fine'])
    expect(lines[3]).toMatch(/^not ok 2 - t\/a "b" .* \\# 5%/)
    expect(lines.filter(line => /^(?:not )?ok /.test(line))).toHaveLength(3)
  })

  it('github: commands at the lines that they are about', () => {
    const lines = formatRun(report, 'github', options).split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^::error file=a_test\.yaml,line=3,col=5,title=PolicyTest\/u::/)
    expect(lines[0]).toContain('%0Awrite, something: else')
    expect(lines[1]).toMatch(/,title=t\/a "b" <c> [^:]*5%25 %2C %3A /)
  })

  it.each<[RunFormat, string]>([
    ['text', 'coverage: 4 of 16 rules decided, 25 %, fewer than the 50 % asked for'],
    ['github', '::notice file=policies.yaml,line=7,col=1,title=coverage::no test met Grant/read-files'],
    ['json', '"percent": 25'],
  ])('%s tells of coverage', async (format, text) => {
    const covered = await run(
      `${cast}\n  tests: [{ name: x, principal: ann, call: get, expect: allow }, { name: y, principal: ann, call: secret }]`,
      { coverage: true },
    )
    expect(formatRun(covered, format, { verbose: false, threshold: 50 })).toContain(text)
  })
})
