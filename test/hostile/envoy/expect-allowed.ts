import type { HostileCase } from '../case.js'
import type { BodyMode } from './body-modes.js'
import { type CaseRun, caseRuns, maySay, uncleaned } from './case-run.js'
import { announcedOtherwise, disagreement, ourReading } from './compare-reading.js'
import type { CorpusStand, StandUpstream } from './corpus-stand.js'
import { reasonOf } from './denial.js'
import { createEverythingSessions } from './everything-sessions.js'
import { nameOf } from './expect-refused.js'
import { inFlight } from './in-flight.js'
import { readFromAnswer } from './read-from-answer.js'
import { type Arrival, attempt, forgetTraffic, grouped, numbered, type Traffic, trafficOf } from './traffic.js'
import type { WireAnswer, WireTransport } from './wire-request.js'

export interface Allowed {
  readonly count: number
  /** What did not go as it must; each names case, mode, transport and server. */
  readonly failures: readonly string[]
  /** Names of the cases that a server carried out, and the servers that did, as `case server`. */
  readonly carriedOut: ReadonlySet<string>
}

export interface AllowedWay {
  readonly mode: BodyMode
  readonly transport: WireTransport
  /** Names of the servers that they go to. Default: all. */
  readonly servers?: readonly string[]
}

/** A second request that hides behind the first one would come at once. */
const RAW_SETTLE_MS = 50

interface Pass {
  readonly run: CaseRun
  readonly target: StandUpstream
}

/**
 * Sends what is to be allowed to every server: it arrives once, without what is to be cleaned, and what the server says
 * that it carried out is what our parser read. A server may refuse; then it must have carried out nothing.
 */
export async function expectAllowed(
  stand: CorpusStand,
  cases: readonly HostileCase[],
  { servers, ...way }: AllowedWay,
): Promise<Allowed> {
  const runs = caseRuns(cases, { ...way, place: stand.place }).filter(({ expectation }) => 'allow' in expectation)
  const targets = stand.upstreams.filter(({ name }) => servers === undefined || servers.includes(name))
  const passes = targets.flatMap(target =>
    runs.filter(({ raw }) => raw === undefined).map((run): Pass => ({ run, target })),
  )
  const answers: (WireAnswer | string)[] = []
  await forgetTraffic(stand)
  const before = await stand.sent()
  const sessions = createEverythingSessions(stand)
  await inFlight(passes, async ({ run, target }, at) => {
    const { headers, release } = await sessions.take(run, target)
    answers[at] = await attempt(run, stand, [numbered(target, at), ...headers])
    release()
  })
  const traffic = await trafficOf(stand)
  const { upstream } = await stand.sent()

  const carriedOut = new Set<string>()
  const failures: string[] = []
  if (upstream - before.upstream !== traffic.arrivals.length)
    failures.push(`Envoy sent ${upstream - before.upstream} requests, ${traffic.arrivals.length} arrived`)
  const came = grouped(traffic.arrivals)
  const seen = grouped(traffic.sightings)
  for (const [at, pass] of passes.entries()) {
    const problems = judge(pass, answers[at] ?? 'not sent', came.get(at) ?? [], seen.get(at) ?? [])
    for (const problem of problems) failures.push(`${nameOf(pass.run)} at ${pass.target.name}: ${problem}`)
    if (seen.has(at)) carriedOut.add(`${pass.run.one.name} ${pass.target.name}`)
  }
  for (const { at, server, sighting } of traffic.sightings)
    if (passes[at] === undefined) failures.push(`${server} carried out a ${sighting.method} that nobody sent`)
  for (const run of runs) if (run.raw !== undefined) failures.push(...(await passRaw(stand, run)))
  return { count: passes.length, failures, carriedOut }
}

function judge(
  { run, target }: Pass,
  answer: WireAnswer | string,
  came: readonly Arrival[],
  seen: Traffic['sightings'],
): string[] {
  const problems: string[] = []
  const reason = typeof answer === 'string' ? undefined : reasonOf(answer)
  if (reason !== undefined && maySay(run, reason)) {
    return came.length > 0 ? [`denied as ${reason}, and it arrived`] : []
  }
  const [arrival] = came
  if (arrival === undefined || came.length > 1 || arrival.server !== target.name) {
    const told = typeof answer === 'string' ? answer : `${answer.status} ${reason ?? answer.body.slice(0, 200)}`
    problems.push(`it arrived ${came.length} times; the answer was ${told}`)
  }
  for (const { rawHeaders } of came) {
    const dirty = uncleaned(run, rawHeaders)
    if (dirty.length > 0) problems.push(`headers arrived as the client wrote them: ${dirty.join(', ')}`)
  }
  const ours = ourReading(run.request?.body ?? Buffer.alloc(0))
  if (seen.some(({ server }) => server !== target.name)) problems.push('another server carried it out')
  const sightings = seen.map(({ sighting }) => sighting)
  const found = [disagreement(ours, sightings), announcedOtherwise(run.expectation, ours)]
  if (typeof answer !== 'string') found.push(readFromAnswer(target.name, ours, answer))
  return [...problems, ...found.filter(one => one !== undefined)]
}

/** One at a time, because nothing numbers them. */
async function passRaw(stand: CorpusStand, run: CaseRun): Promise<string[]> {
  await forgetTraffic(stand)
  const answer = await attempt(run, stand, [])
  const { arrivals } = await trafficOf(stand, RAW_SETTLE_MS)
  if (arrivals.length === 1) return []
  const told = typeof answer === 'string' ? answer : `${answer.status} ${answer.body.slice(0, 200)}`
  return [`${nameOf(run)}: it arrived ${arrivals.length} times; the answer was ${told}`]
}
