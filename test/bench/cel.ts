import { measureCel } from './cel-cost.js'
import { printCelReport } from './print-report.js'

/** The comparison of the expression engine alone: `npx tsx test/bench/cel.ts [--json]`. */
const report = measureCel({ rounds: 15, roundMs: 8 })
console.log(process.argv.includes('--json') ? JSON.stringify(report) : printCelReport(report))
