import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measureCel } from './cel-cost.js'
import { printComparison } from './comparison/print-comparison.js'
import { tellsUsage } from './comparison/process-usage.js'
import { profileService } from './comparison/profile-service.js'
import { comparisonParts, runComparison } from './comparison/run-comparison.js'
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

const sections = ['floor', 'stages', 'sar', 'parser', 'doors', 'grpc', 'cel', 'comparison'] as const
type Section = (typeof sections)[number]

const help = `Usage: npm run bench -- [--quick] [--only SECTION]... [--part PART]... [--envoy] [--beside DIR] [--json FILE] [--profile DIR]

What a decision costs, as a ratio to a server that does nothing on the same transport; what identity and RBAC are of it;
what reading a message strictly costs, as a ratio to JSON.parse; what it costs to see answers as well, and to filter a list;
what rules cost, as a ratio to other engines of CEL; and the service beside a server on grpc-go that does nothing.

  --quick         a few minutes instead of a quarter of an hour
  --only SECTION  ${sections.join(', ')}; default: all
  --part PART     of the comparison: ${comparisonParts.join(', ')}; default: all, envoy with --envoy only
  --envoy         calls through a real Envoy as well
  --beside DIR    another checkout, built, whose native service is compared with this one's
  --json FILE     the report as JSON too
  --profile DIR   a CPU profile of each server of the section floor

npm run bench -- --only profile [--quick] [--transport grpc-js] [--json FILE]
  where the time of a decision goes, in the service under load: by room and by function. --json keeps the profile itself`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    part: { type: 'string', multiple: true, default: [] },
    envoy: { type: 'boolean', default: false },
    beside: { type: 'string' },
    transport: { type: 'string', default: 'native' },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const full = { rounds: 7, seconds: 1.3, warmUpSeconds: 3, openRounds: 7, openSeconds: 1.3 }
const quick = { rounds: 3, seconds: 0.6, warmUpSeconds: 1.5, openRounds: 3, openSeconds: 0.8 }
const { rounds, seconds, warmUpSeconds, openRounds, openSeconds } = values.quick ? quick : full

const pinned = canPin()
const progress = (line: string) => void process.stderr.write(`${line}\n`)
const options: BenchOptions = {
  code: 'dist',
  pinned,
  rounds,
  round: { seconds },
  warmUp: { seconds: warmUpSeconds },
  openRounds,
  openRound: { seconds: openSeconds },
  coldTokens: 12_000,
  ...(values.profile !== undefined && { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] }),
  progress,
}
const inProcess = values.quick ? { rounds: 7, roundMs: 150 } : { rounds: 21, roundMs: 200 }

/** Of the section floor, once it has run. */
let warmMicros: number | undefined

/** Each prints its part of the report, and returns it for --json. */
const run: Readonly<Record<Section, () => Promise<Readonly<Record<string, unknown>>>>> = {
  floor: async () => {
    const report = await runBench(options)
    console.log(`${printReport(report)}\n`)
    warmMicros = report.scenarios.find(({ name }) => name === 'warm')?.cpuMicros
    const wrong = [...report.scenarios, ...report.openLoop.scenarios].reduce((sum, one) => sum + one.wrong, 0)
    if (wrong > 0) {
      progress(`${wrong} answers were wrong: the numbers mean nothing`)
      process.exitCode = 1
    }
    return { ...report }
  },
  stages: async () => {
    const stages = await measureWarmCall(inProcess)
    console.log(`${printStageReport(stages)}\n`)
    return { stages }
  },
  sar: async () => {
    const sar = await measureSarCalls(inProcess)
    console.log(`${printSarReport(sar)}\n`)
    return { sar }
  },
  parser: async () => {
    const parser = await measureParsers(values.quick ? { rounds: 9, roundMs: 5 } : { rounds: 31, roundMs: 10 })
    console.log(`${printParserReport(parser)}\n`)
    return { parser }
  },
  doors: async () => {
    const doors = await measureWayBack(values.quick ? { rounds: 9, roundMs: 10 } : { rounds: 31, roundMs: 30 })
    console.log(`${printDoorCosts(doors)}\n`)
    return { doors }
  },
  grpc: async () => {
    const size = values.quick ? { rounds: 3, exchanges: 500 } : { rounds: 7, exchanges: 1000 }
    const grpc = await measureGrpcExchanges({ ...options, ...size })
    console.log(`${printGrpcExchanges(grpc)}\n`)
    const envoy = values.envoy ? await measureEnvoyExchanges({ rounds: 7, calls: 600, single: 500 }) : undefined
    if (envoy !== undefined) console.log(`${printEnvoyExchanges(envoy)}\n`)
    return { grpc, envoy }
  },
  cel: async () => {
    const cel = measureCel(values.quick ? { rounds: 9, roundMs: 8 } : { rounds: 31, roundMs: 15 })
    console.log(`${printCelReport(cel)}\n${warmMicros === undefined ? '' : `${printCelGain(cel, warmMicros)}\n`}`)
    return { cel }
  },
  comparison: async () => {
    if (!tellsUsage) {
      console.log('NOT MEASURED beside a server on Go: this system has no /proc\n')
      return {}
    }
    const comparison = await runComparison({
      parts: chosen(
        values.part,
        comparisonParts,
        comparisonParts.filter(part => part !== 'envoy' || values.envoy),
      ),
      pinned,
      effort: values.quick ? 'quick' : 'full',
      ...(values.beside !== undefined && { beside: resolve(values.beside) }),
      progress,
    })
    console.log(`${printComparison(comparison)}\n`)
    return { comparison }
  },
}

if (values.help) console.log(help)
else {
  if (pinned) pinLoadGenerator()
  if (values.only.includes('profile')) await profile()
  else {
    const report: Record<string, unknown> = {}
    for (const section of chosen(values.only, sections, sections)) Object.assign(report, await run[section]())
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
  }
}

async function profile(): Promise<void> {
  const transport = values.transport === 'grpc-js' ? 'grpc-js' : 'native'
  const file = values.json === undefined ? {} : { file: resolve(values.json) }
  console.log(await profileService({ transport, pinned, seconds: values.quick ? 5 : 15, ...file }))
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

/** What was asked for, by name; nothing asked for is the default. Throws when there is no such thing. */
function chosen<Name extends string>(
  wanted: readonly string[],
  names: readonly Name[],
  otherwise: readonly Name[],
): readonly Name[] {
  const unknown = wanted.find(name => !names.some(one => one === name))
  if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there is ${names.join(', ')}`)
  return wanted.length === 0 ? otherwise : names.filter(name => wanted.includes(name))
}
