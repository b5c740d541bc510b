import { setImmediate as afterImmediates } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { foreseeCalls } from './foresee-calls.js'

function snapshotWith(spec: object): PolicySnapshot {
  const server = policyDocument('Server', 'srv', {
    resource: 'https://srv.example.com/mcp',
    catalog: 'kubernetes-mcp-server',
    ...spec,
  })
  const store = storeOf([catalogs, memorySource({ 'a.yaml': server })], namesAsTokens({ alice: person('alice') }))
  store.load()
  if (store.current === undefined) throw new Error('the policies do not compile')
  return store.current
}

/** How many tools and prompts are known without anything to work out. */
function known({ servers }: PolicySnapshot): { readonly tools: number; readonly prompts: number } {
  const server = servers.byName('srv')
  const count = (entries: Iterable<{ explore: (where: typeof kubernetes) => Iterator<undefined> }> = []) =>
    [...entries].filter(entry => entry.explore(kubernetes).next().done === true).length
  const kubernetes = server?.kubernetes ?? { cluster: '', defaultNamespace: undefined, contexts: new Map() }
  return { tools: count(server?.catalog?.tools.values()), prompts: count(server?.catalog?.prompts.values()) }
}

async function turnsUntil(isDone: () => boolean): Promise<number> {
  let turns = 0
  for (; !isDone() && turns < 100_000; turns++) await afterImmediates()
  return turns
}

describe('calls that are foreseen after a load', () => {
  it('are those of all tools and prompts, a few at a time', async () => {
    const snapshot = snapshotWith({})
    const { tools, prompts } = sizes(snapshot)
    foreseeCalls(snapshot)
    expect(known(snapshot).tools).toBeLessThan(tools)
    expect(await turnsUntil(() => known(snapshot).tools === tools)).toBeGreaterThan(0)
    await turnsUntil(() => known(snapshot).prompts === prompts)
    expect(known(snapshot)).toEqual({ tools, prompts })
  })

  it('are none where nobody asks what tools do', async () => {
    const snapshot = snapshotWith({ require: ['grants'] })
    foreseeCalls(snapshot)
    await afterImmediates()
    expect(known(snapshot)).toEqual(known(snapshotWith({ require: ['grants'] })))
  })

  it('are left alone when another snapshot has come', async () => {
    const snapshot = snapshotWith({})
    const stop = foreseeCalls(snapshot)
    const before = known(snapshot).tools
    stop()
    for (let turn = 0; turn < 50; turn++) await afterImmediates()
    expect(known(snapshot).tools).toBe(before)
  })
})

function sizes({ servers }: PolicySnapshot): { readonly tools: number; readonly prompts: number } {
  const catalog = servers.byName('srv')?.catalog
  return { tools: catalog?.tools.size ?? 0, prompts: catalog?.prompts.size ?? 0 }
}
