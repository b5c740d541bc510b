import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { printSuite } from './print-suite.js'
import { runSuite } from './run-suite.js'

const help = `Usage: npm run conformance:cel -- [--json FILE]

Runs the conformance suite of CEL (@bufbuild/cel-spec): parses, checks and evaluates every case. Ends with 1 if one failed.

  --json FILE  every case by what came of it, with reasons, and counts
`

const { values } = parseArgs({
  options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
})

if (values.help) console.log(help)
else {
  const report = runSuite()
  console.log(printSuite(report))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (report.failed.length > 0) process.exitCode = 1
}
