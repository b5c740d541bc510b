import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCorpus } from '../support/load-corpus.js'
import { type BodyMode, bodyModes } from './body-modes.js'
import { expectationOf } from './case-run.js'
import { type CorpusStand, startCorpusStand } from './corpus-stand.js'
import { expectAllowed } from './expect-allowed.js'
import { expectDenied, expectStopped } from './expect-refused.js'
import { transports } from './wire-request.js'

const cases = loadCorpus()
let stand: CorpusStand
beforeAll(async () => {
  stand = await startCorpusStand()
})
afterAll(() => stand?.stop())

describe.each(bodyModes)('the corpus through Envoy, %s', mode => {
  describe.each(transports)('over %s', transport => {
    it('what we refuse is refused for the reason that the case names, and reaches no server', async () => {
      const { failures, count } = await expectDenied(stand, cases, { mode, transport })
      expect(failures).toEqual([])
      expect(count).toBeGreaterThan(0)
    })

    it('what the gateway stops reaches neither us nor a server', async () => {
      const { failures } = await expectStopped(stand, cases, { mode, transport })
      expect(failures).toEqual([])
    })

    it('what is allowed arrives, and is read by the servers as we read it', async () => {
      const { failures, count } = await expectAllowed(stand, cases, { mode, transport, ...serversFor(mode) })
      expect(failures).toEqual([])
      expect(count).toBeGreaterThan(0)
    })
  })
})

it('each message whose reading the corpus names was carried out by a server', async () => {
  const { carriedOut } = await expectAllowed(stand, cases, { mode: 'shipped', transport: 'http1' })
  const done = new Set([...carriedOut].map(pair => pair.slice(0, pair.indexOf(' '))))
  const named = cases.filter(one => {
    const expectation = expectationOf(one, 'http1')
    return one.raw === undefined && 'allow' in expectation && expectation.read !== undefined
  })
  expect(named.filter(({ name, over }) => over?.includes('http1') !== false && !done.has(name))).toEqual([])
  expect(done.size).toBeGreaterThan(100)
})

/** The other modes change what we see, not what the servers see: two of them, who read with different parsers, are enough. */
function serversFor(mode: BodyMode): { readonly servers?: readonly string[] } {
  return mode === 'shipped' ? {} : { servers: ['sdk-v1', 'python'] }
}
