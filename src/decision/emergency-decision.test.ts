import { describe, expect, it } from 'vitest'
import { decisionRecordSchema } from '../telemetry/decision-log-schema.js'
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

  it('says how many requests it stands for', () => {
    const decision = emergencyDecision('dependency.overloaded', 'x')
    const line = unreadLine({ listener: { name: 'a', door: 'ext-authz' }, decision, now: 0, requests: 12 })
    expect(decisionRecordSchema.parse(JSON.parse(line))).toMatchObject({ decision_id: decision.id, requests: 12 })
  })
})
