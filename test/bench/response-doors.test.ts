import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patiently } from './patiently.js'
import { listSteps } from './response-cost.js'
import { openResponseDoors, type ResponseDoors } from './response-doors.js'
import { type DoorCost, doorCosts, measureDoor, printDoorCosts, warmUpDoors } from './response-doors-cost.js'

describe('the doors of requests and of answers', () => {
  let doors: ResponseDoors

  beforeAll(async () => {
    doors = await openResponseDoors('src', listSteps(200)[0]?.bytes ?? Buffer.alloc(0))
    await warmUpDoors(doors)
  }, 120_000)

  afterAll(() => doors?.close())

  it.each(doorCosts.map(cost => [cost.name, cost] as const))(
    'keep to their budget: %s',
    { timeout: 60_000 },
    async (_name, cost: DoorCost) => {
      const measure = () => measureDoor(doors, cost, { rounds: 9, roundMs: 20 })
      const measured = await patiently(measure, ({ ratio }) => ratio <= cost.most)
      expect(measured.ratio, printDoorCosts([[cost, measured]])).toBeLessThanOrEqual(cost.most)
      // Less than that would mean that something was not done.
      expect(measured.ratio).toBeGreaterThan(cost.beside === 'check' ? 1.1 : 0.3)
    },
  )
})

describe('the report of the doors', () => {
  it('says the ratio, and to what', () => {
    const [first] = doorCosts
    if (first === undefined) throw new Error('nothing is measured')
    const report = printDoorCosts([[first, { ours: 80.4, theirs: 40.2, ratio: 2 }]])
    expect(report).toMatch(/^a call and its answer +80 +40 +2\.00 {2}ext_authz alone$/m)
  })
})
