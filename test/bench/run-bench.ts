import { cpus } from 'node:os'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'
import { scaleRequest } from './check-requests.js'
import { Http2Connection } from './http2-connection.js'
import { closedLoop, type LoadResult, openLoop, type Traffic, type Until } from './load.js'
import { writePolicies } from './policies.js'
import { type Code, ServerProcess } from './server-process.js'
import { median } from './statistics.js'
import { createTokenIssuer } from './tokens.js'

export interface BenchOptions {
  readonly code: Code
  /** Servers on the first core, the load generator, which is this process, on the second. */
  readonly pinned: boolean
  readonly rounds: number
  /** Length of one round of one scenario. */
  readonly round: Until
  /** Before the first round, per scenario: the compiler of the server must have done its work. */
  readonly warmUp: Until
  /** Open loop: rounds, and the length of each. */
  readonly openRounds: number
  readonly openRound: Until
  /** More than the token cache holds (10,000), so that none is still known when its turn comes again. */
  readonly coldTokens: number
  readonly nodeArgs?: readonly string[]
  progress(line: string): void
}

export const scenarioNames = ['floor', 'warm', 'cold-jwt', 'deny'] as const
export type ScenarioName = (typeof scenarioNames)[number]

/** Medians over the rounds. */
export interface ScenarioReport {
  readonly name: ScenarioName
  readonly requests: number
  readonly wrong: number
  /** Requests per second at saturation. */
  readonly throughput: number
  /** Processor time of the server per request. */
  readonly cpuMicros: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMb: number
  /** Share of its core that the load generator used; near 1 it, and not the server, is what was measured. */
  readonly generatorBusy: number
  /** Median of the ratios within one round, so that what disturbs the machine disturbs both sides. */
  readonly ratioToFloor: number
}

export interface OpenLoopReport {
  readonly ratePerSecond: number
  readonly scenarios: readonly {
    readonly name: ScenarioName
    readonly wrong: number
    readonly p50Ms: number
    readonly p99Ms: number
    /** p99 of the worst round: rounds with a full collection of the heap in them, which the median leaves out. */
    readonly worstP99Ms: number
  }[]
  /** p99 of warm by p99 of floor, at the same rate: median of the rounds. */
  readonly p99RatioToFloor: number
}

export interface BenchReport {
  readonly node: string
  readonly pinned: boolean
  readonly connections: number
  readonly inFlightPerConnection: number
  /** Cores that other processes used meanwhile, of all: more than a little, and latencies say nothing. */
  readonly othersBusyCores: number
  readonly scenarios: readonly ScenarioReport[]
  readonly openLoop: OpenLoopReport
}

const connectionCount = 4
const inFlight = 16

interface Scenario {
  readonly name: ScenarioName
  readonly server: ServerProcess
  readonly connections: readonly Http2Connection[]
  readonly traffic: Traffic
  readonly samples: Sample[]
}

interface Sample extends LoadResult {
  readonly throughput: number
  readonly cpuMicros: number
  readonly rssMb: number
}

/** Starts one server per scenario and measures them in turns. Nothing is left behind, whatever happens. */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const issuer = createTokenIssuer()
  const policies = writePolicies(issuer.jwks)
  const scenarios: Scenario[] = []
  try {
    const [token = ''] = issuer.mint(1)
    options.progress(`minting ${options.coldTokens} tokens, starting ${scenarioNames.length} servers`)
    const messages: Readonly<Record<ScenarioName, readonly Buffer[]>> = {
      floor: [scaleRequest(token, 3)],
      warm: [scaleRequest(token, 3)],
      'cold-jwt': issuer.mint(options.coldTokens).map(one => scaleRequest(one, 3)),
      deny: [scaleRequest(token, 50)],
    }
    const prepared = await Promise.allSettled(
      scenarioNames.map(name => prepare(name, messages[name], policies.directory, options)),
    )
    for (const one of prepared) if (one.status === 'fulfilled') scenarios.push(one.value)
    for (const one of prepared) if (one.status === 'rejected') throw one.reason
    for (const scenario of scenarios) {
      options.progress(`${scenario.name}: warming up`)
      await closedLoop(scenario.connections, inFlight, scenario.traffic, options.warmUp)
    }
    const before = await coresUsed(scenarios)
    for (let round = 1; round <= options.rounds; round++) {
      for (const scenario of scenarios) {
        const sample = await measure(scenario, options.round)
        scenario.samples.push(sample)
        options.progress(
          `round ${round}/${options.rounds} ${scenario.name}: ${Math.round(sample.throughput)}/s, ${sample.cpuMicros.toFixed(1)} µs`,
        )
      }
    }
    const reports = scenarios.map(scenario => summarize(scenario, scenarios[0]?.samples ?? []))
    const openLoopReport = await measureOpenLoop(scenarios, reports, options)
    const after = await coresUsed(scenarios)
    return {
      node: process.version,
      pinned: options.pinned,
      connections: connectionCount,
      inFlightPerConnection: inFlight,
      // Processor times of the system are counted in ticks, so that little may come out as less than nothing.
      othersBusyCores: Math.max(0, (after.byOthers - before.byOthers) / (after.at - before.at)),
      scenarios: reports,
      openLoop: openLoopReport,
    }
  } finally {
    for (const { connections } of scenarios) for (const connection of connections) connection.close()
    await Promise.all(scenarios.map(({ server }) => server.stop()))
    policies.remove()
  }
}

async function prepare(
  name: ScenarioName,
  messages: readonly Buffer[],
  directory: string,
  { code, pinned, nodeArgs = [] }: BenchOptions,
): Promise<Scenario> {
  const args = name === 'floor' ? ['test/bench/floor-server.mjs', code] : serveArguments(code, directory)
  const server = await ServerProcess.start({ name, code, pinned, args, nodeArgs })
  try {
    const connections = []
    for (let i = 0; i < connectionCount; i++)
      connections.push(await Http2Connection.open(server.port, `/${extAuthzService}/Check`))
    return { name, server, connections, traffic: inTurn(messages, name === 'deny' ? 7 : 0), samples: [] }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** The program as it ships: the decision log goes to a file, metrics are always on. */
export function serveArguments(code: Code, directory: string, more: readonly string[] = []): readonly string[] {
  const settings = [
    'listeners.0.host=127.0.0.1',
    'listeners.0.port=0',
    'http.host=127.0.0.1',
    'http.port=0',
    'decisionLog.file=/dev/null',
    'shutdown.drainSeconds=0',
    ...more,
  ]
  const main = code === 'dist' ? 'dist/cli/main.js' : 'src/cli/main.ts'
  return [main, 'serve', '--policies', directory, ...settings.flatMap(setting => ['--set', setting])]
}

function inTurn(messages: readonly Buffer[], expectedCode: number): Traffic {
  let at = 0
  const none = Buffer.alloc(0)
  return { next: () => messages[at++ % messages.length] ?? none, expectedCode }
}

async function measure({ server, connections, traffic }: Scenario, until: Until): Promise<Sample> {
  const before = await server.usage()
  const result = await closedLoop(connections, inFlight, traffic, until)
  const after = await server.usage()
  return {
    ...result,
    throughput: result.requests / result.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / result.requests,
    rssMb: after.rssBytes / 1024 / 1024,
  }
}

/** Milliseconds of processor time that went to nobody of ours so far. */
async function coresUsed(scenarios: readonly Scenario[]): Promise<{ readonly at: number; readonly byOthers: number }> {
  const usages = await Promise.all(scenarios.map(({ server }) => server.usage()))
  const { user, system } = process.cpuUsage()
  const ours = usages.reduce((sum, { cpuMicros }) => sum + cpuMicros, user + system) / 1000
  const all = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  return { at: performance.now(), byOthers: all - ours }
}

function summarize({ name, samples }: Scenario, floor: readonly Sample[]): ScenarioReport {
  const middle = (of: (sample: Sample) => number) => median(samples.map(of))
  const total = (of: (sample: Sample) => number) => samples.reduce((sum, sample) => sum + of(sample), 0)
  return {
    name,
    requests: total(sample => sample.requests),
    wrong: total(sample => sample.wrong),
    throughput: middle(sample => sample.throughput),
    cpuMicros: middle(sample => sample.cpuMicros),
    p50Ms: middle(sample => sample.p50Ms),
    p99Ms: middle(sample => sample.p99Ms),
    rssMb: middle(sample => sample.rssMb),
    generatorBusy: middle(sample => sample.generatorBusy),
    ratioToFloor: median(samples.map((sample, at) => sample.throughput / (floor[at]?.throughput ?? Number.NaN))),
  }
}

/** A third of what `warm` can do, for `warm` and `floor` in turns. */
async function measureOpenLoop(
  scenarios: readonly Scenario[],
  reports: readonly ScenarioReport[],
  options: BenchOptions,
): Promise<OpenLoopReport> {
  const rate = (reports.find(({ name }) => name === 'warm')?.throughput ?? 0) / 3
  const compared = scenarios.filter(({ name }) => name === 'floor' || name === 'warm')
  const results = new Map(compared.map(({ name }) => [name, [] as LoadResult[]]))
  for (let round = 1; round <= options.openRounds; round++) {
    for (const { name, connections, traffic } of compared) {
      const result = await openLoop(connections, rate, traffic, options.openRound)
      results.get(name)?.push(result)
      options.progress(
        `open loop ${round}/${options.openRounds} ${name}: ${Math.round(rate)}/s, p99 ${result.p99Ms.toFixed(2)} ms`,
      )
    }
  }
  const p99s = (name: ScenarioName) => (results.get(name) ?? []).map(result => result.p99Ms)
  const floor = p99s('floor')
  return {
    ratePerSecond: rate,
    scenarios: [...results].map(([name, rounds]) => ({
      name,
      wrong: rounds.reduce((sum, result) => sum + result.wrong, 0),
      p50Ms: median(rounds.map(result => result.p50Ms)),
      p99Ms: median(rounds.map(result => result.p99Ms)),
      worstP99Ms: Math.max(...rounds.map(result => result.p99Ms)),
    })),
    p99RatioToFloor: median(p99s('warm').map((p99, at) => p99 / (floor[at] ?? Number.NaN))),
  }
}
