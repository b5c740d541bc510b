import { listRequest } from '../check-requests.js'
import type { Run } from '../cost-ratio.js'
import { openProgram } from '../open-program.js'
import { audience } from '../policies.js'
import { listSteps, parseAndWrite } from '../response-cost.js'
import type { Code } from '../server-process.js'
import { type CostsOptions, costsOf, round3 } from './costs-of.js'
import { policySet, serverName } from './policy-sets.js'

/** The list of one catalogue, filtered for one caller, by the number of its tools. */
export interface ListCost {
  readonly tools: number
  readonly bytes: number
  /** Microseconds of processor time. */
  readonly micros: number
  /** By that of JSON.parse and JSON.stringify of the same bytes. */
  readonly ofJson: number
}

const sizes = [20, 50, 200, 1000] as const

export async function measureLists(code: Code, options: CostsOptions): Promise<readonly ListCost[]> {
  const costs: ListCost[] = []
  for (const tools of sizes) costs.push(await measureList(code, tools, options))
  return costs
}

async function measureList(code: Code, tools: number, options: CostsOptions): Promise<ListCost> {
  const size = { servers: 1, toolsPerServer: tools, guardrails: 30, grants: 0, bindings: 0 }
  const program = await openProgram(code, policySet(size))
  try {
    const { parts, snapshot, token } = program
    const server = snapshot.servers.byName(serverName(0))
    const listener = { name: 'bench', door: 'ext-proc', profile: 'envoy', trust: 'none' } as const
    const read = parts.checkRequest.readCheckRequest(listRequest(token, serverName(0)), listener, undefined)
    if (server === undefined || !read.ok) throw new Error('the Server of the list is missing')
    const known = await snapshot.authenticator.authenticate(read.request, server.audience)
    if (!known.ok) throw new Error(`the caller of the list is not known at ${audience}`)
    // As the service does after it has loaded policies.
    for (const tool of server.catalog?.tools.values() ?? []) tool.possible(server.kubernetes)
    const { authority, path } = read.request
    const [step] = listSteps(tools)
    const list = Buffer.from((step?.bytes.toString() ?? '').replaceAll('"pods_list_', '"records_list_'))
    const filter: Run = async () => {
      const viewer = { snapshot, server, principal: known.principal, authority, path, now: Date.now() }
      const filtered = await parts.filterLists.filterLists(list, viewer)
      if (!filtered.ok || filtered.bytes.length > list.length * 0.8 || filtered.bytes.length < list.length * 0.1)
        throw new Error('the list is not filtered as it should be')
    }
    const { ours, json } = await costsOf({ ours: filter, json: parseAndWrite(list) }, options)
    return { tools, bytes: list.length, micros: ours, ofJson: round3(ours / json) }
  } finally {
    program.close()
  }
}
