import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createGrpcHealth } from '../../../src/doors/grpc/health.js'
import { useGoClient } from './go-program.js'
import { grpcJsCases } from './grpc-js-cases.js'
import { serveAnythingAsCalls } from './serve-calls.js'
import { clientFiles, type Served, serve } from './transports.js'

const caseSchema = z.object({
  id: z.string(),
  description: z.string(),
  outcome: z.enum(['passed', 'skipped', 'failed']),
  problem: z.string(),
  seconds: z.number(),
})
type Case = z.infer<typeof caseSchema>

/** Of h2spec 2.2.1: the sections generic, http2 and hpack, with the strict cases. */
const caseCount = 146
const h2spec = useGoClient('h2spec')
const tls = ['-tls', '-cert', clientFiles.cert, '-key', clientFiles.key]
const services = [createGrpcHealth([])]
const results = new Map<string, readonly Case[]>()

const running: Served[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})
afterAll(() => {
  if (results.size > 0) console.log(sideBySide(results))
})

async function run(name: string, server: Served, args: readonly string[]): Promise<readonly Case[]> {
  running.push(server)
  if (server.address.kind !== 'tcp') throw new Error('h2spec speaks TCP')
  const lines = await h2spec('-port', String(server.address.port), ...args)
  const cases = lines.map(line => caseSchema.parse(line))
  expect(cases.length).toBe(caseCount)
  results.set(name, cases)
  return cases
}

describe('h2spec', () => {
  const natives = [
    { name: 'native, h2c', start: () => serve('native', 'h2c', services), args: [] },
    { name: 'native, TLS', start: () => serve('native', 'tls', services), args: tls },
    { name: 'native, h2c, all requests as calls', start: serveAnythingAsCalls, args: [] },
  ]
  it.each(natives)('passes all cases, none skipped: $name', async ({ name, start, args }) => {
    const server = await start()
    // No case has to wait: the time is for a machine that is busy.
    const cases = await run(name, server, ['-timeout', '10s', ...args])
    expect(cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
    expect(server.troubles).toEqual([])
  })

  it('finds in grpc-js what it is known to lack', async () => {
    const lines = [
      { name: 'grpc-js, h2c', line: 'h2c', args: [] },
      { name: 'grpc-js, TLS', line: 'tls', args: tls },
    ] as const
    // Together, and with little patience: most of what fails waits for an answer that never comes.
    const runs = lines.map(async ({ name, line, args }) =>
      run(name, await serve('grpc-js', line, services), ['-timeout', '1s', ...args]),
    )
    for (const cases of await Promise.all(runs)) {
      const having = (wanted: Case['outcome']) => cases.filter(({ outcome }) => outcome === wanted).map(({ id }) => id)
      expect(having('failed')).toEqual(expect.arrayContaining([...grpcJsCases.fail]))
      expect(having('skipped')).toEqual(grpcJsCases.skipped)
    }
  })
})

/** A row for each case that does not pass everywhere. */
function sideBySide(all: ReadonlyMap<string, readonly Case[]>): string {
  const names = [...all.keys()]
  const counts = names.map(name => {
    const cases = all.get(name) ?? []
    const count = (wanted: Case['outcome']) => cases.filter(({ outcome }) => outcome === wanted).length
    return `${name}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`
  })
  const rows = new Map<string, string>()
  for (const cases of all.values()) {
    for (const { id, description, outcome } of cases) {
      if (outcome === 'passed' || rows.has(id)) continue
      const row = names.map(name => all.get(name)?.find(one => one.id === id)?.outcome ?? '-')
      rows.set(id, [id, ...row, description].join(' | '))
    }
  }
  return [...counts, ['case', ...names, 'description'].join(' | '), ...rows.values()].join('\n')
}
