import type { ApiRequest, ApiResponse, ApiServer } from '../../src/kube/api-server.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'
import type { RbacWatch } from '../../src/rbac/rbac-watch.js'
import type { Code } from './server-process.js'
import { median } from './statistics.js'
import { createWarmCall, type StageName, type WarmCall } from './warm-call.js'

/** The warm call with answers of an API server that are known, beside the same with RBAC in this process. */
export interface SarCost {
  /** Microseconds per call; medians of the rounds. */
  readonly embedded: number
  readonly sar: number
  /** Median of the ratios of the rounds. */
  readonly ratio: number
  /** The same from the request, once read, to the decision; without metrics and record. */
  readonly ratioOfDecision: number
}

export interface SarCalls {
  readonly embedded: WarmCall
  readonly sar: WarmCall
  close(): void
}

/** Two warm calls that differ in nothing but the authorizer. */
export async function createSarCalls(code: Code): Promise<SarCalls> {
  const embedded = await createWarmCall(code)
  try {
    const sar = await createWarmCall(code, ({ sarAuthorizer }, snapshot) => {
      const authorizer = sarAuthorizer.createSarAuthorizer({ api: allowingApi, rbacOnly: true, watch: freshWatch })
      for (const server of snapshot.servers.all)
        Object.assign(server, { authorizer, authorizers: new Map([['local', authorizer]]) })
    })
    return {
      embedded,
      sar,
      close() {
        embedded.close()
        sar.close()
      },
    }
  } catch (error) {
    embedded.close()
    throw error
  }
}

/** Says yes to everything. */
const allowingApi: ApiServer = {
  cluster: 'local',
  request: ({ body = '' }: ApiRequest): Promise<ApiResponse> => {
    const status = '"status":{"allowed":true,"reason":"RBAC: allowed by RoleBinding \\"developers/team-a\\""}}'
    const parsed = parseStrictJson(Buffer.from(`${body.slice(0, -1)},${status}`))
    if (!parsed.ok) throw new Error(parsed.message)
    return Promise.resolve({ ok: true, status: 201, body: parsed.value })
  },
  follow: () => ({ close: () => undefined }),
  close: () => undefined,
}

/** Nothing ever changes, so that an answer is known for as long as the benchmark lasts. */
const freshWatch: RbacWatch = {
  start: () => undefined,
  stop: () => undefined,
  freshness: () => ({ synced: true, staleForMs: 0, problem: '' }),
  objects: () => [],
  *read() {
    yield
    return []
  },
  version: () => '',
  onChange: () => undefined,
}

const batch = 16

/** The two in turns, a batch of calls each, in one process, so that what disturbs the machine disturbs both. */
export function measureSar(calls: SarCalls, { rounds, roundMs }: { rounds: number; roundMs: number }): SarCost {
  const samples = Array.from({ length: rounds }, () => measureRound(calls, roundMs))
  const middle = (of: (sample: Round) => number) => median(samples.map(of))
  return {
    embedded: middle(({ embedded }) => embedded),
    sar: middle(({ sar }) => sar),
    ratio: middle(({ embedded, sar }) => sar / embedded),
    ratioOfDecision: middle(({ embeddedDecision, sarDecision }) => sarDecision / embeddedDecision),
  }
}

type Round = Readonly<Record<'embedded' | 'sar' | 'embeddedDecision' | 'sarDecision', number>>

function measureRound({ embedded, sar }: SarCalls, ms: number): Round {
  const times = { embedded: [0], sar: [0], embeddedDecision: [0], sarDecision: [0] }
  for (const list of Object.values(times)) list.length = 0
  const end = performance.now() + ms
  do {
    times.embedded.push(timeBatch(embedded, 'pipeline'))
    times.sar.push(timeBatch(sar, 'pipeline'))
    times.sarDecision.push(timeBatch(sar, 'decision'))
    times.embeddedDecision.push(timeBatch(embedded, 'decision'))
  } while (performance.now() < end)
  return {
    embedded: median(times.embedded),
    sar: median(times.sar),
    embeddedDecision: median(times.embeddedDecision),
    sarDecision: median(times.sarDecision),
  }
}

/** Microseconds per call. */
function timeBatch(call: WarmCall, stage: StageName): number {
  const run = call.prepare(stage, batch)
  const start = performance.now()
  for (let input = 0; input < batch; input++) run(input)
  return ((performance.now() - start) * 1000) / batch
}

export function printSarReport({ embedded, sar, ratio, ratioOfDecision }: SarCost): string {
  const [percent, ofDecision] = [ratio, ratioOfDecision].map(one => (100 * one).toFixed(1))
  return [
    'The same call with SubjectAccessReviews, their answers known, beside RBAC in this process; in turns; medians of the rounds',
    `${sar.toFixed(2)} µs and ${embedded.toFixed(2)} µs: ${percent} % (${ofDecision} % of the decision alone)`,
  ].join('\n')
}
