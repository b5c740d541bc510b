import { readFileSync } from 'node:fs'
import { createApiServer } from '../../../src/kube/create-api-server.js'
import { createSarAuthorizer } from '../../../src/rbac/sar-authorizer.js'
import { startApiServer } from '../../kube/start-api-server.js'
import { median } from '../statistics.js'
import { round3 } from './costs-of.js'
import { Reference } from './reference.js'

/** What a question to a real API server costs, eight at a time on one connection. Microseconds of processor time. */
export interface ReviewCost {
  readonly ours: number
  /** Of the API server, its etcd included, which is not asked. */
  readonly apiServer: number
  /** Milliseconds until the answer. On a busy machine that is mostly waiting for a core. */
  readonly medianMs: number
}

const inFlight = 8
const ticksPerSecond = 100

export async function measureReviews(questions: number, rounds: number): Promise<ReviewCost> {
  const server = await startApiServer({ audit: false })
  try {
    const api = createApiServer({
      cluster: 'local',
      connection: { kind: 'kubeconfig', file: await server.kubeconfig({ user: 'admin' }), context: undefined },
      timeoutMs: 60_000,
      maxInFlight: 64,
    })
    const authorizer = createSarAuthorizer({ api, rbacOnly: false, watch: undefined })
    const groups = ['team-a-developers', 'staff', 'system:authenticated']
    const user = { username: 'alice@example.com', uid: '', groups, extra: new Map<string, readonly string[]>() }
    let serial = 0
    const times: number[] = []
    const ask = async (): Promise<void> => {
      const name = `pod-${serial++}`
      const began = performance.now()
      const what = { verb: 'get', group: '', resource: 'pods', subresource: '', namespace: 'team-a', name }
      const access = await authorizer.authorize(user, what)
      if ('failed' in access) throw new Error(access.reason)
      times.push(performance.now() - began)
    }
    const many = (count: number) =>
      Promise.all(
        Array.from({ length: inFlight }, async () => {
          for (let at = 0; at < count / inFlight; at++) await ask()
        }),
      )
    await many(questions)
    times.length = 0
    const reference = new Reference()
    const samples: { ours: number; apiServer: number }[] = []
    for (let round = 0; round < rounds; round++) {
      reference.measure(3)
      const [cpu, theirs] = [process.cpuUsage(), ticksOf(server.child.pid)]
      await many(questions)
      const { user: spent, system } = process.cpuUsage(cpu)
      const ticks = ticksOf(server.child.pid) - theirs
      samples.push({
        ours: (spent + system) / questions,
        apiServer: (ticks * (1e6 / ticksPerSecond)) / questions,
      })
    }
    api.close()
    return {
      ours: round3(Math.min(...samples.map(one => one.ours)) / reference.slowness),
      apiServer: round3(Math.min(...samples.map(one => one.apiServer)) / reference.slowness),
      medianMs: round3(median(times)),
    }
  } finally {
    await server.stop()
  }
}

/** Processor time of a process, user and system, in ticks: fields 14 and 15 of /proc/PID/stat (proc(5)). */
function ticksOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
