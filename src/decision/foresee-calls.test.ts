import { setImmediate as afterImmediates } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { foreseeCalls } from './foresee-calls.js'

/** Several Servers with namespaces of their own: more than fits into one slice on any machine. */
const serverCount = 10

function snapshotWith(spec: object): PolicySnapshot {
  const servers = Array.from({ length: serverCount }, (_, at) =>
    policyDocument('Server', `srv-${at}`, {
      resource: `https://srv-${at}.example.com/mcp`,
      catalog: 'kubernetes-mcp-server',
      kubernetes: { defaultNamespace: `home-${at}` },
      ...spec,
    }),
  )
  const files = Object.fromEntries(servers.map((server, at) => [`${at}.yaml`, server]))
  const store = storeOf([catalogs, memorySource(files)], namesAsTokens({ alice: person('alice') }))
  store.load()
  if (store.current === undefined) throw new Error('the policies do not compile')
  return store.current
}

interface Count {
  readonly known: number
  readonly all: number
}

/** How many tools and prompts there are, and how many are known without anything to work out. */
function count({ servers }: PolicySnapshot): Count {
  const entries = servers.all.flatMap(({ catalog, kubernetes }) =>
    [...(catalog?.tools.values() ?? []), ...(catalog?.prompts.values() ?? [])].map(
      entry => entry.explore(kubernetes).next().done === true,
    ),
  )
  return { known: entries.filter(isKnown => isKnown).length, all: entries.length }
}

async function turnsUntil(isDone: () => boolean): Promise<number> {
  let turns = 0
  // To look costs more than a turn.
  for (; turns % 50 !== 0 || (!isDone() && turns < 20_000); turns++) await afterImmediates()
  return turns
}

describe('calls that are foreseen after a load', () => {
  it('are those of all tools and prompts, a few at a time', async () => {
    const snapshot = snapshotWith({})
    foreseeCalls(snapshot, 0)
    const { known, all } = count(snapshot)
    expect(known).toBeLessThan(all)
    expect(all).toBeGreaterThan(serverCount * 50)
    expect(await turnsUntil(() => count(snapshot).known === all)).toBeGreaterThan(0)
  })

  it('are none where nobody asks what tools do', async () => {
    const snapshot = snapshotWith({ require: ['grants'] })
    foreseeCalls(snapshot, 0)
    await afterImmediates()
    expect(count(snapshot).known).toBe(0)
  })

  it('are left alone when another snapshot has come', async () => {
    const snapshot = snapshotWith({})
    const stop = foreseeCalls(snapshot, 0)
    const before = count(snapshot)
    stop()
    for (let turn = 0; turn < 50; turn++) await afterImmediates()
    expect(count(snapshot)).toEqual(before)
    expect(before.known).toBeLessThan(before.all)
  })

  it('begins later where that is wanted, and not at all once it was stopped', async () => {
    const [snapshot, other] = [snapshotWith({}), snapshotWith({})]
    foreseeCalls(snapshot, 30)
    foreseeCalls(other, 30)()
    for (let turn = 0; turn < 5; turn++) await afterImmediates()
    expect(count(snapshot).known).toBe(0)
    const { all } = count(snapshot)
    await expect.poll(() => count(snapshot).known, { timeout: 10_000 }).toBe(all)
    expect(count(other).known).toBe(0)
  })

  it('is left alone half-way as well where it began later', async () => {
    const snapshot = snapshotWith({})
    const stop = foreseeCalls(snapshot, 1)
    await expect.poll(() => count(snapshot).known, { interval: 1 }).toBeGreaterThan(0)
    stop()
    const { known } = count(snapshot)
    for (let turn = 0; turn < 50; turn++) await afterImmediates()
    expect(count(snapshot).known).toBe(known)
  })
})
