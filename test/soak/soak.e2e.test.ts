import { expect, it } from 'vitest'
import { printSoakReport } from './print-soak-report.js'
import { runSoak } from './run-soak.js'
import { hasApiServer } from './soak-stand.js'

it('two minutes at half of its capacity, with all that may happen, leave nothing wrong and nothing behind', {
  timeout: 300_000,
}, async () => {
  const report = await runSoak({ minutes: 2, apiServer: hasApiServer(), say: line => console.log(line) })
  console.log(printSoakReport(report))
  expect(report.failures).toEqual([])
  expect(report.answers.envoy).toBeGreaterThan(1000)
  expect(report.disturbances.policies.count).toBeGreaterThan(1)
  expect(report.disturbances.keys.count).toBeGreaterThan(1)
})
