import { expect, it } from 'vitest'
import { measureRatio } from '../../test/bench/cost-ratio.js'
import { patiently } from '../../test/bench/patiently.js'
import { toolsCall } from '../../test/support/inbound.js'
import { catalogs, demo, namesAsTokens, storeOf } from '../../test/support/policies.js'
import { createDecide } from '../decision/create-decide.js'
import { cap, people, requestOf, shadowStand } from './shadow.fixture.js'

const calls = 100
const body = toolsCall('resources_scale', {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: 2 },
})

/** Decisions as the service makes them, with their records. */
function plain() {
  const store = storeOf([catalogs, demo], namesAsTokens(people))
  store.load()
  const decide = createDecide({ snapshot: () => store.current, onDecided: decided => void decided.record() })
  return () => {
    for (let call = 0; call < calls; call++) decide(requestOf('alice', body))
  }
}

it('costs about as much again as the decision, or somewhat more', async () => {
  const { decide, compared, dropped, seen } = shadowStand({ 'x.yaml': cap(9, 'Enforce', 'more') })
  const beside = async () => {
    compared.length = 0
    for (let call = 0; call < calls; call++) decide(requestOf('alice', body))
    for (const decided of seen.splice(0)) decided.record()
    while (compared.length < calls) await new Promise(resolve => setImmediate(resolve))
  }
  const options = { rounds: 5, roundMs: 25 }
  const on = await patiently(
    () => measureRatio(beside, plain(), options),
    ({ ratio }) => ratio < 3,
  )
  process.stdout.write(`shadow: ${on.ratio.toFixed(2)} times the processor time\n`)
  expect(dropped).toEqual([])
  expect(on.ratio).toBeGreaterThan(1.3)
  expect(on.ratio).toBeLessThan(3)
}, 120_000)
