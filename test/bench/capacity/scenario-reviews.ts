import type { Inputs } from './inputs.js'
import { type Authorizer, processLoad } from './process-cost.js'
import { amount, firstToBreak, percent, printBreak, type Section, table } from './table.js'
import { apiServer, estate, limits, mixes } from './traffic.js'

const rates = [1000, 10_000, 50_000] as const
const authorizers: readonly Authorizer[] = ['sar', 'sar, rbacOnly']
/** Decisions per second of one process, about what half a core does. */
const perProcess = 5000
/** Of an API server's cores, that questions may take. */
const share = 0.5

/** Questions to the API server of one cluster, by how many decisions are about it. With watched RBAC there are none. */
export function reviews(inputs: Inputs): Section {
  const rows = mixes.flatMap(whole =>
    rates.flatMap(rate =>
      authorizers.map(authorizer => {
        // A part of the traffic is made by as large a part of the callers.
        const mix = { ...whole, principals: Math.ceil((whole.principals * rate) / estate.decisionsPerSecond) }
        const processes = Math.max(3, Math.ceil(rate / perProcess))
        const { answers } = processLoad(inputs, mix, { rate: rate / processes, transport: 'native', authorizer })
        const asked = (answers?.misses ?? 0) * processes
        const cores = (asked * inputs.reviews.apiServer) / 1e6
        const seconds = (2 * inputs.reviews.apiServer) / 1e6
        const first = firstToBreak([
          {
            what: `${share * apiServer.cores} cores of the API server`,
            used: cores,
            limit: share * apiServer.cores,
            setting: authorizer === 'sar' ? '`rbacOnly: true`, or `authorizer: watch`' : '`authorizer: watch`',
          },
          {
            what: 'seats of priority and fairness',
            used: asked * seconds,
            limit: apiServer.seats,
            setting: '`flow-schema.yaml`',
          },
          {
            what: 'questions of a process at a time',
            used: (asked / processes) * seconds,
            limit: limits.inFlight,
            setting: '`clusters.<name>.maxInFlight`',
          },
        ])
        const known = answers === undefined ? '–' : percent(answers.hits)
        return [
          mix.name,
          amount(rate),
          amount(processes),
          authorizer,
          known,
          amount(asked),
          cores.toFixed(2),
          printBreak(first),
        ]
      }),
    ),
  )
  const head = [
    'traffic',
    'decisions/s',
    'processes',
    'RBAC',
    'answers known',
    'questions/s',
    'API server cores',
    'first to break',
  ]
  return { name: 'reviews', markdown: table(head, rows) }
}
