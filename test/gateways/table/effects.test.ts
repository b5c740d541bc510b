import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorityHeaders, ownHeaders } from '../../../src/decision/allow-headers.js'
import { profiles } from '../profiles.js'
import { aloneWay } from './alone-way.js'
import type { GatewayCase } from './case.js'
import { cases } from './cases.js'
import { call } from './messages.js'
import { startTable, type TableStand } from './stand.js'
import type { Way } from './way.js'
import { besideWay, extAuthzWays, extMcpWay } from './ways.js'

let stand: TableStand
let ways: readonly Way[]
beforeAll(async () => {
  stand = await startTable()
  ways = [...extAuthzWays(stand), besideWay(stand), aloneWay(stand), extMcpWay(stand)]
})
afterAll(() => stand.stop())

/** New for each decision. */
const once = new Set(['x-mcp-authz-decision-id'])

function told(server: ReadonlyMap<string, readonly string[]> | undefined) {
  if (server === undefined) return undefined
  const names = [...server.keys()].filter(name => isOwned(name) && !once.has(name))
  return Object.fromEntries(names.sort().map(name => [name, server.get(name)]))
}

function isOwned(name: string): boolean {
  return (
    name.startsWith('x-mcp-authz-') ||
    ownHeaders.includes(name) ||
    authorityHeaders.includes(name) ||
    name === 'authorization'
  )
}

/** An Audit hands on what came, and what came differs with the gateway. */
const allowed = cases.filter(
  ({ expected, server, instead }) => expected === 'allow' && server !== 'audited' && !instead,
)

describe('what the server is told is the same behind every gateway', () => {
  it.each(allowed.map(one => [one.name, one] as const))('%s', async (_name, one) => {
    const heard: [string, unknown][] = []
    for (const way of ways) {
      const verdict = await way.ask(one)
      if (verdict !== undefined) heard.push([way.name, told(verdict.server)])
    }
    const first = heard[0]?.[1]
    expect(first).toBeDefined()
    expect(heard).toEqual(heard.map(([name]) => [name, first]))
    expect(heard.length).toBeGreaterThanOrEqual(profiles.length)
  })
})

const denied = cases.filter(
  ({ expected, instead, gatewayRefuses }) => expected !== 'allow' && !instead && !gatewayRefuses,
)
const ids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

describe('what the client is told is the same behind every gateway', () => {
  it.each(denied.map(one => [one.name, one] as const))('%s', async (_name, one) => {
    const heard: [string, unknown][] = []
    for (const way of ways) {
      const client = (await way.ask(one))?.client
      if (client === undefined) continue
      const headers = Object.fromEntries([...client.headers].sort(([a], [b]) => (a < b ? -1 : 1)))
      const { 'x-mcp-authz-decision-id': id, ...others } = headers
      heard.push([
        way.name,
        { ...client, id: id !== undefined, headers: others, body: client.body.replaceAll(ids, 'id') },
      ])
    }
    expect(heard).toEqual(heard.map(([name]) => [name, heard[0]?.[1]]))
    expect(heard.length).toBeGreaterThanOrEqual(profiles.length)
  })
})

const mark = 'written-by-the-client'
const ownName = fc.oneof(
  fc.constantFrom(...ownHeaders, ...authorityHeaders),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).map(end => `x-mcp-authz-${end}`),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).map(end => `impersonate-${end}`),
)
/** Names of ours as a client may spell them. */
const spelled = fc
  .tuple(ownName, fc.integer({ min: 0, max: 2 ** 30 }), fc.constantFrom('-', '_', 'mixed'))
  .map(([name, bits, dash]) =>
    [...name]
      .map((character, at) => {
        const flip = (bits >> (at % 30)) & 1
        if (character === '-') return dash === '_' || (dash === 'mixed' && flip === 1) ? '_' : '-'
        return flip === 1 ? character.toUpperCase() : character
      })
      .join(''),
  )

describe('nothing that a client writes under a name of ours reaches the server', () => {
  it('whatever the gateway, and however it is spelled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(spelled, { minLength: 1, maxLength: 6 }), fc.nat(), async (names, pick) => {
        const way = ways[pick % ways.length]
        if (way === undefined) throw new Error('no way')
        const one: GatewayCase = {
          ...{ name: '', who: 'alice', body: call('echo'), expected: 'allow' },
          headers: names.map(name => [name, mark]),
        }
        const verdict = await way.ask(one)
        if (verdict === undefined) return
        const reached = [...(verdict.server ?? [])].filter(([, values]) => values.some(value => value.includes(mark)))
        expect([way.name, reached]).toEqual([way.name, []])
      }),
      { numRuns: 400 },
    )
  })
})
