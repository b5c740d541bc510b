import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../../test/support/inbound.js'
import { person } from '../../../test/support/policies.js'
import { readRecords } from '../../telemetry/read-records.js'
import { grant, guardrail, server, testSet } from './replay.fixture.js'
import { type ReplayOptions, replayLog } from './replay-log.js'

const people = { alice: person('alice'), bob: person('bob') }
const documents = [server('srv'), grant('everybody'), guardrail('cap', 'args.amount <= 10')]
const now = testSet(documents, people)
const freer = testSet([server('srv'), grant('everybody')], people)
const stricter = testSet([...documents, guardrail('nobody', "user.username != 'bob'")], people)

const pay = (amount: number, as: string) => now.send(toolsCall('pay', { amount }), { as }).line

async function replay(lines: Iterable<string>, options: ReplayOptions) {
  const chunks = async function* () {
    for (const line of lines) yield `${line}\n`
  }
  return replayLog(readRecords(chunks()), options)
}

describe('a replay', () => {
  it('tells apart what is weakened, tightened and the same', async () => {
    const lines = [pay(5, 'alice'), pay(5, 'alice'), pay(50, 'alice'), pay(5, 'bob')]
    const weaker = await replay(lines, { candidate: freer })
    expect(weaker.tally.totals).toEqual({ same: 3, tightened: 0, weakened: 1, changed: 0, notReplayable: 0 })
    expect(weaker.tally.largest('weakened', 10)).toMatchObject([
      {
        server: 'srv',
        what: 'pay',
        who: 'alice',
        before: 'deny by guardrail.violated (Guardrail/cap)',
        after: 'allow',
      },
    ])
    const tighter = await replay(lines, { candidate: stricter, baseline: now })
    expect(tighter.tally.totals).toMatchObject({ same: 3, tightened: 1, weakened: 0, notReplayable: 0 })
    expect(tighter.otherRevisions).toBe(0)
  })

  it('judges records of other policies anew by the baseline', async () => {
    const lines = [freer.send(toolsCall('pay', { amount: 50 })).line]
    const replayed = await replay(lines, { candidate: stricter, baseline: now })
    expect(replayed.otherRevisions).toBe(1)
    expect(replayed.tally.largest('notReplayable', 1)).toMatchObject([{ after: 'depends on args.amount', count: 1 }])
  })

  it('passes over what is no decision, and names lines that are no records', async () => {
    const log = '{"version":"mcp-authz.dev/log/v1","timestamp":"2026-01-01T00:00:00.000Z","event":"lost","lost":3}'
    const replayed = await replay([log, '{"a":', pay(5, 'alice'), '{"version":"x"}'], { candidate: freer })
    expect(replayed).toMatchObject({ records: 1, passedOver: 1, unreadable: 2 })
    expect(replayed.problems.map(({ line }) => line)).toEqual([2, 4])
  })

  it('ends when it is asked to', async () => {
    const stop = new AbortController()
    const lines = function* () {
      yield pay(5, 'alice')
      stop.abort()
      yield pay(5, 'alice')
    }
    expect(await replay(lines(), { candidate: freer, signal: stop.signal })).toMatchObject({ records: 1 })
  })

  it('goes through 100,000 records in seconds, and keeps no more than it tells', async () => {
    const [fine, refused] = [JSON.parse(pay(5, 'alice')), pay(50, 'bob')]
    const lines = function* () {
      for (let index = 0; index < 100_000; index++) {
        const subject = { ...fine.subject, user: `user-${index % 20_000}` }
        yield index === 77_777 ? refused : JSON.stringify({ ...fine, decision_id: `id-${index}`, subject })
      }
    }
    const candidate = testSet(
      [server('srv'), grant('some', { match: { subjects: [{ kind: 'User', name: 'user-1*' }] } })],
      people,
    )
    const progress: number[] = []
    const started = performance.now()
    const replayed = await replay(lines(), { candidate, baseline: now, onProgress: records => progress.push(records) })
    expect(performance.now() - started).toBeLessThan(60_000)
    expect(replayed.records).toBe(100_000)
    expect(progress).toHaveLength(10)
    const { totals, others } = replayed.tally
    expect(totals).toMatchObject({ weakened: 0, notReplayable: 0 })
    expect(totals.same + totals.tightened + totals.changed).toBe(100_000)
    // user-1, 10…19, 100…199, 1000…1999 and 10000…19999 are given it, but for the one in whose place another one was refused.
    expect(totals.same).toBe(11_111 * 5 - 1)
    expect(totals.changed).toBe(1)
    expect(others.tightened).toBe(0)
    expect(replayed.tally.largest('tightened', 3).map(({ count }) => count)).toEqual([5, 5, 5])
  }, 90_000)
})
