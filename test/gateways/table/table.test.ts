import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profiles } from '../profiles.js'
import { aloneWay } from './alone-way.js'
import { authzenWay } from './authzen-way.js'
import type { DoorName, GatewayCase } from './case.js'
import { cases } from './cases.js'
import { explainWay } from './explain-way.js'
import { startTable, type TableStand } from './stand.js'
import type { Verdict, Way } from './way.js'
import { besideWay, extAuthzWays, extMcpWay } from './ways.js'

let stand: TableStand
let ways: ReadonlyMap<string, Way>
beforeAll(async () => {
  stand = await startTable()
  const all = [
    ...extAuthzWays(stand),
    ...[besideWay(stand), aloneWay(stand), extMcpWay(stand), await authzenWay(stand), explainWay(stand)],
  ]
  ways = new Map(all.map(way => [way.name, way]))
})
afterAll(async () => {
  for (const way of ways.values()) await way.stop?.()
  stand.stop()
})

const doors = [
  'ext_proc beside ext_authz',
  'ext_proc alone',
  'ExtMcp',
  'AuthZEN',
  'explain',
] as const satisfies readonly DoorName[]
const names: readonly string[] = [...profiles.map(({ name }) => `ext_authz, ${name}`), ...doors]

function wayOf(name: string): Way {
  const way = ways.get(name)
  if (way === undefined) throw new Error(`there is no ${name}`)
  return way
}

/** The decision, or its reason. */
function told({ outcome, reason }: Verdict): string {
  return outcome === 'deny' ? reason : outcome
}

function expectedOf(
  { expected, instead = [], gatewayRefuses }: GatewayCase,
  { traits }: Way,
  verdict: Verdict,
): string {
  if (gatewayRefuses === true && verdict.outcome === 'gateway') return 'gateway'
  return instead.find(([trait]) => traits.has(trait))?.[1] ?? expected
}

function inability({ cannot = {} }: GatewayCase, name: string): string | undefined {
  return Object.entries(cannot).find(([door]) => door === name)?.[1]
}

describe.each(names)('%s', name => {
  it.each(cases.map(one => [one.name, one] as const))('%s', async (_name, one) => {
    const way = wayOf(name)
    const verdict = await way.ask(one)
    if (verdict === undefined) {
      expect(inability(one, name), 'it cannot be said, and the table does not know').toBeDefined()
      return
    }
    expect(inability(one, name), 'it can be said after all').toBeUndefined()
    expect(told(verdict)).toBe(expectedOf(one, way, verdict))
    if (verdict.outcome === 'allow') expect(verdict.would).toEqual(one.would ?? [])
    for (const [header, value] of Object.entries(one.serverGets ?? {}))
      if (verdict.server !== undefined) expect([header, verdict.server.get(header)]).toEqual([header, value && [value]])
    expect(stand.bugs).toEqual([])
  })
})
