import { listSteps, measureResponse, resultSteps } from './response-cost.js'

// What the way back costs, as a table: bytes, microseconds of ours and of JSON.parse and JSON.stringify, and their ratio.
for (const step of [...listSteps(200), ...resultSteps()]) {
  await measureResponse(step, { rounds: 3, roundMs: 20 })
  const { ours, theirs, ratio } = await measureResponse(step, { rounds: 15, roundMs: 30 })
  const columns = [step.bytes.length, ours.toFixed(0), theirs.toFixed(0), ratio.toFixed(2)]
  console.log(`${step.name.padEnd(30)} ${columns.map(column => String(column).padStart(9)).join('')}`)
}
