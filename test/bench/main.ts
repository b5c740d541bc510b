import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measureCel } from './cel-cost.js'
import type { CostRatioOptions } from './cost-ratio.js'
import { measureEnvoyExchanges, printEnvoyExchanges } from './envoy-exchanges.js'
import { measureGrpcExchanges, printGrpcExchanges } from './grpc-exchanges.js'
import { measureParsers } from './parser-cost.js'
import { printCelGain, printCelReport, printParserReport, printReport, printStageReport } from './print-report.js'
import { listSteps } from './response-cost.js'
import { openResponseDoors } from './response-doors.js'
import { type MeasuredDoor, measureDoors, printDoorCosts } from './response-doors-cost.js'
import { type BenchOptions, runBench } from './run-bench.js'
import { createSarCalls, measureSar, printSarReport, type SarCost } from './sar-cost.js'
import { canPin, pinLoadGenerator } from './server-process.js'
import { measureStages, type StageCost, type StageCostOptions, warmUpStages } from './stage-cost.js'
import { createWarmCall } from './warm-call.js'

const help = `Usage: npm run bench -- [--quick] [--envoy] [--json FILE] [--profile DIR]

What a decision costs, as a ratio to a server that does nothing on the same transport; what identity and RBAC are of it;
what reading a message strictly costs, as a ratio to JSON.parse; what it costs to see answers as well, and to filter a list;
and what rules cost, as a ratio to other engines of CEL.

  --quick        under 45 seconds instead of 150
  --envoy        a call through a real Envoy as well, with and without its answer seen: half a minute more
  --json FILE    the report as JSON too
  --profile DIR  a CPU profile of each server`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    envoy: { type: 'boolean', default: false },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const full = { rounds: 7, seconds: 1.3, warmUpSeconds: 3, openRounds: 7, openSeconds: 1.3 }
const quick = { rounds: 3, seconds: 0.6, warmUpSeconds: 1.5, openRounds: 3, openSeconds: 0.8 }
const { rounds, seconds, warmUpSeconds, openRounds, openSeconds } = values.quick ? quick : full

const options: BenchOptions = {
  code: 'dist',
  pinned: canPin(),
  rounds,
  round: { seconds },
  warmUp: { seconds: warmUpSeconds },
  openRounds,
  openRound: { seconds: openSeconds },
  coldTokens: 12_000,
  ...(values.profile !== undefined && { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] }),
  progress: line => process.stderr.write(`${line}\n`),
}

if (values.help) console.log(help)
else {
  if (options.pinned) pinLoadGenerator()
  const report = await runBench(options)
  console.log(printReport(report))
  const stages = await measureWarmCall(values.quick ? { rounds: 7, roundMs: 150 } : { rounds: 21, roundMs: 200 })
  console.log(`\n${printStageReport(stages)}`)
  const sar = await measureSarCalls(values.quick ? { rounds: 7, roundMs: 150 } : { rounds: 21, roundMs: 200 })
  console.log(`\n${printSarReport(sar)}`)
  const parser = await measureParsers(values.quick ? { rounds: 9, roundMs: 5 } : { rounds: 31, roundMs: 10 })
  console.log(`\n${printParserReport(parser)}`)
  const doors = await measureWayBack(values.quick ? { rounds: 9, roundMs: 10 } : { rounds: 31, roundMs: 30 })
  console.log(`\n${printDoorCosts(doors)}`)
  const grpc = await measureGrpcExchanges({
    ...options,
    ...(values.quick ? { rounds: 3, exchanges: 500 } : { rounds: 7, exchanges: 1000 }),
  })
  console.log(`\n${printGrpcExchanges(grpc)}`)
  const envoy = values.envoy ? await measureEnvoyExchanges({ rounds: 7, calls: 600, single: 500 }) : undefined
  if (envoy !== undefined) console.log(`\n${printEnvoyExchanges(envoy)}`)
  const cel = measureCel(values.quick ? { rounds: 9, roundMs: 8 } : { rounds: 31, roundMs: 15 })
  const warm = report.scenarios.find(({ name }) => name === 'warm')
  console.log(`\n${printCelReport(cel)}\n${printCelGain(cel, warm?.cpuMicros ?? 0)}`)
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ ...report, stages, sar, parser, doors, grpc, envoy, cel }, undefined, 2)}\n`,
    )
  const wrong = [...report.scenarios, ...report.openLoop.scenarios].reduce((sum, one) => sum + one.wrong, 0)
  if (wrong > 0) {
    process.stderr.write(`${wrong} answers were wrong: the numbers mean nothing\n`)
    process.exitCode = 1
  }
}

/** Measures what ships, as the servers do. */
async function measureWarmCall(cost: StageCostOptions): Promise<StageCost> {
  const call = await createWarmCall(options.code)
  try {
    warmUpStages(call, 2000)
    return measureStages(call, cost)
  } finally {
    call.close()
  }
}

async function measureWayBack(cost: CostRatioOptions): Promise<readonly MeasuredDoor[]> {
  const [list] = listSteps(200)
  const doors = await openResponseDoors(options.code, list?.bytes ?? Buffer.alloc(0))
  try {
    return await measureDoors(doors, cost)
  } finally {
    doors.close()
  }
}

async function measureSarCalls(cost: StageCostOptions): Promise<SarCost> {
  const calls = await createSarCalls(options.code)
  try {
    measureSar(calls, { rounds: 1, roundMs: 2000 })
    return measureSar(calls, cost)
  } finally {
    calls.close()
  }
}
