import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { CelReport } from './cel-cost.js'
import { celEngineNames } from './cel-engines.js'
import { callOf, celRules } from './cel-rules.js'
import { patiently } from './patiently.js'
import { printCelGain, printCelReport } from './print-report.js'

const run = promisify(execFile)

/** In a process of its own, where modules are loaded as Node loads them: inside the test runner only ours would be slow. */
async function measure(): Promise<CelReport> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'test/bench/cel.ts', '--json'])
  return JSON.parse(stdout)
}

const wanted = { bufbuild: 10, marcbachmann: 1, compile: 3 }

function isGood({ evaluate, compile }: CelReport): boolean {
  const all = evaluate.filter(({ rules }) => rules === 'all')
  return (
    compile.ratio <= wanted.compile &&
    all.every(({ bufbuild, marcbachmann }) => bufbuild >= wanted.bufbuild && marcbachmann >= wanted.marcbachmann)
  )
}

describe('rules in CEL', () => {
  it('are quicker than with others, and compile in the time of a JSON document', { timeout: 120_000 }, async () => {
    const report = await patiently(measure, isGood, 4)
    const shown = printCelReport(report)
    for (const { rules, input, bufbuild, marcbachmann } of report.evaluate) {
      if (rules !== 'all') continue
      expect(bufbuild, `${input}: by @bufbuild/cel\n${shown}`).toBeGreaterThanOrEqual(wanted.bufbuild)
      expect(marcbachmann, `${input}: by @marcbachmann/cel-js\n${shown}`).toBeGreaterThanOrEqual(wanted.marcbachmann)
    }
    expect(report.compile.ratio, shown).toBeLessThanOrEqual(wanted.compile)
    expect(shown).toMatch(/^all +30 +fresh +\d/m)
    expect(printCelGain(report, 30)).toMatch(/, \d+\.\d times as much$/)
  })

  it('are thirty, of five kinds, over calls of a few kilobytes', () => {
    expect(celRules.length).toBe(30)
    expect(new Set(celRules.map(({ source }) => source)).size).toBe(30)
    expect(JSON.stringify(callOf(1)).length).toBeGreaterThan(2500)
    expect(celEngineNames.length).toBe(3)
  })
})
