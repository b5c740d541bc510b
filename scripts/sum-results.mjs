// Sums the results of a CI run: every *.step file is one result, every *.json file is vitest's report of many.
// A test that was skipped for want of a newer Envoy is a failure here, where the pinned one runs.
// Prints `N passed, N failed, N skipped` as its last line and fails unless something passed and nothing failed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = process.argv[2] ?? '.'
const sum = { passed: 0, failed: 0, skipped: 0 }
let reports = 0
for (const name of readdirSync(directory)) {
  const text = readFileSync(join(directory, name), 'utf8')
  if (name.endsWith('.step')) {
    const outcome = text.trim() === 'passed' ? 'passed' : 'failed'
    if (outcome === 'failed') process.stdout.write(`failed: ${name.replace(/\.step$/, '')}\n`)
    // The tests count one by one; their step counts only when it failed without saying which.
    if (name !== 'tests.step') sum[outcome]++
  }
  if (!name.endsWith('.json')) continue
  reports++
  const report = JSON.parse(text)
  sum.passed += report.numPassedTests
  sum.failed += report.numFailedTests
  sum.skipped += report.numPendingTests + report.numTodoTests
  for (const suite of report.testResults) {
    // A file that does not load fails without a single failed test.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) {
      sum.failed++
      process.stdout.write(`failed to load: ${suite.name}\n`)
    }
    for (const test of suite.assertionResults) {
      if (test.status === 'failed') process.stdout.write(`failed: ${test.fullName}\n`)
      if (test.meta?.needsEnvoy === undefined) continue
      sum.failed++
      sum.skipped--
      process.stdout.write(`skipped, needs ${test.meta.needsEnvoy}: ${test.fullName}\n`)
    }
  }
  if (!report.success && report.numFailedTests === 0) sum.failed++
}
if (reports === 0) sum.failed++
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`)
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1
