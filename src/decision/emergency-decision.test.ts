import { describe, expect, it } from 'vitest'
import { recordVersion } from './decision-record.js'
import { emergencyDecision, unreadLine } from './emergency-decision.js'

describe('the record of a denial without request', () => {
  it('is one line, with the id that the client gets', () => {
    const decision = emergencyDecision('message.encoding', 'x')
    const line = unreadLine({ listener: { name: 'in\nner', door: 'ext-authz' }, decision, now: 0 })
    expect(line).not.toContain('\n')
    expect(line).toBe(
      `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"1970-01-01T00:00:00.000Z","mode":"enforce","decision":"deny","reason":"message.encoding","door":"ext-authz","listener":"in\\nner"}`,
    )
  })
})
