import type { HostileCase } from '../case.js'
import type { BodyMode } from './body-modes.js'
import { type CaseRun, caseRuns, wrongDenial, wrongStop } from './case-run.js'
import type { CorpusStand } from './corpus-stand.js'
import { reasonOf } from './denial.js'
import { inFlight } from './in-flight.js'
import { attempt, forgetTraffic, numbered, trafficOf } from './traffic.js'
import type { WireTransport } from './wire-request.js'

interface Way {
  readonly mode: BodyMode
  readonly transport: WireTransport
}

export interface Refused {
  readonly count: number
  /** What did not go as it must; each names case, mode and transport. */
  readonly failures: readonly string[]
}

/**
 * Sends what we are to refuse: with the expected reason, and nothing may reach any server. A gateway may refuse it on its
 * own as well, if it does not ask first.
 */
export async function expectDenied(stand: CorpusStand, cases: readonly HostileCase[], way: Way): Promise<Refused> {
  const runs = caseRuns(cases, { ...way, place: stand.place }).filter(({ expectation }) => 'deny' in expectation)
  const doubtful: { readonly run: CaseRun; readonly problem: string }[] = []
  const failures = await refused(stand, runs, (run, answer) => {
    const problem = wrongDenial(run, answer)
    if (problem === undefined || reasonOf(answer) !== undefined || (answer.status > 0 && answer.status < 400))
      return problem
    doubtful.push({ run, problem })
    return undefined
  })
  const asked = new Set(
    await askedAbout(
      stand,
      doubtful.map(({ run }) => run),
    ),
  )
  for (const { run, problem } of doubtful) if (asked.has(run)) failures.push(`${nameOf(run)}: ${problem}`)
  return { count: runs.length, failures }
}

/** Sends what the gateway is to stop on its own: it asks nobody, and nothing may reach any server. */
export async function expectStopped(stand: CorpusStand, cases: readonly HostileCase[], way: Way): Promise<Refused> {
  const runs = caseRuns(cases, { ...way, place: stand.place }).filter(({ expectation }) => 'gateway' in expectation)
  const before = await stand.sent()
  const failures = await refused(stand, runs, wrongStop)
  const { checks } = await stand.sent()
  // Where nothing limits its bodies or its paths, Envoy asks about some that it would have stopped.
  const mayAsk: readonly BodyMode[] = ['partial', 'unlimited', 'anywhere']
  if (checks > before.checks && !mayAsk.includes(way.mode)) {
    failures.push('the gateway asked us about something that it was to stop')
    for (const run of await askedAbout(stand, runs)) failures.push(`${nameOf(run)}: the gateway asked us`)
  }
  return { count: runs.length, failures }
}

async function refused(stand: CorpusStand, runs: readonly CaseRun[], wrong: typeof wrongDenial): Promise<string[]> {
  const failures: string[] = []
  const [first] = stand.upstreams
  if (first === undefined) throw new Error('there is no upstream')
  await forgetTraffic(stand)
  const before = await stand.sent()
  await inFlight(runs, async (run, at) => {
    const answer = await attempt(run, stand, [numbered(first, at)])
    const problem = typeof answer === 'string' ? answer : wrong(run, answer)
    if (problem !== undefined) failures.push(`${nameOf(run)}: ${problem}`)
  })
  const { arrivals, sightings } = await trafficOf(stand)
  for (const { server, at, path } of arrivals) failures.push(`${nameOf(runs[at])}: it reached ${server} as ${path}`)
  for (const { server, at } of sightings) failures.push(`${nameOf(runs[at])}: ${server} carried it out`)
  // Also what a server's HTTP parser threw away, which the proxies do not see.
  const { upstream } = await stand.sent()
  if (upstream !== before.upstream && arrivals.length === 0) failures.push('Envoy sent something to a server')
  return failures
}

/** Those about which the gateway asks; nothing else may be under way. */
async function askedAbout(stand: CorpusStand, runs: readonly CaseRun[]): Promise<CaseRun[]> {
  const before = await stand.sent()
  await inFlight(runs, async run => void (await attempt(run, stand, [])))
  const { checks } = await stand.sent()
  if (checks === before.checks) return []
  if (runs.length === 1) return [...runs]
  const half = runs.length >> 1
  return [...(await askedAbout(stand, runs.slice(0, half))), ...(await askedAbout(stand, runs.slice(half)))]
}

/** For messages. */
export function nameOf(run: CaseRun | undefined): string {
  return run === undefined ? 'a request without a number' : `${run.one.name} (${run.mode}, ${run.transport})`
}
