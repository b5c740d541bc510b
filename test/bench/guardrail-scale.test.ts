import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileMatch, type MatchedCall } from '../../src/policy/match.js'
import { RuleIndex } from '../../src/policy/rule-index.js'
import { type CostRatio, measureRatio } from './cost-ratio.js'
import { patiently } from './patiently.js'
import { otherMatch, ScaleCall, type Surroundings } from './scale-call.js'

/** Bytes of a CheckRequest to bytes of the answer, with metrics and record, ours beside the same call in other policies. */
const options = { rounds: 41, roundMs: 8 }
const atMost = (most: number, ours: () => void, theirs: () => void, least = 0): Promise<CostRatio> =>
  patiently(
    () => measureRatio(ours, theirs, options),
    ({ ratio }) => ratio >= least && ratio <= most,
  )

/** Compiled alike: what was made first, or has run for longer, is a little faster. */
async function ofOneAge(
  ...made: readonly [Promise<() => void>, Promise<() => void>]
): Promise<readonly [() => void, () => void]> {
  const [ours, theirs] = [await made[0], await made[1]]
  for (let n = 0; n < 3000; n++) {
    ours()
    theirs()
  }
  return [ours, theirs]
}

describe('the typical warm call', () => {
  let few: ScaleCall
  let many: ScaleCall

  beforeAll(async () => {
    few = await ScaleCall.open(3)
    many = await ScaleCall.open(30)
  }, 120_000)

  afterAll(() => {
    few?.close()
    many?.close()
  })

  it('costs at most 1.5 times as much with 30 guardrails about it as with 3', { timeout: 60_000 }, async () => {
    // They are evaluated, after all.
    const least = 1.02
    const [crowded, alone] = await ofOneAge(many.in({}), few.in({}))
    const { ratio } = await atMost(1.5, crowded, alone, least)
    expect(ratio).toBeLessThanOrEqual(1.5)
    expect(ratio).toBeGreaterThanOrEqual(least)
  })

  it.each<[string, Surroundings]>([
    ['300 guardrails about other calls', { guardrails: 300 }],
    ['10,000 guardrails about other calls', { guardrails: 10_000 }],
    ['10,000 other tools in the catalogue', { tools: 10_000 }],
    ['1,000 other servers', { servers: 1_000 }],
    ['10,000 grants for others', { grants: 10_000 }],
    ['10,000 bindings of others', { bindings: 10_000 }],
  ])('costs no more with %s', { timeout: 60_000 }, async (_name, surroundings) => {
    const [within, without] = await ofOneAge(few.in(surroundings), few.in({}))
    const { ratio } = await atMost(1.05, within, without)
    expect(ratio).toBeLessThanOrEqual(1.05)
  })
})

describe('names that a caller makes up', () => {
  const named = (name: string): MatchedCall => ({
    server: 'kubernetes',
    tool: name,
    catalogTool: undefined,
    call: {
      protocol: 'mcp',
      kind: 'request',
      era: 'legacy',
      version: undefined,
      id: '1',
      method: 'tools/call',
      target: { kind: 'tool', name },
      alsoTargets: [],
      params: undefined,
      arguments: undefined,
      sessionId: undefined,
    },
  })
  const rules = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ name: `rule-${n}`, match: compileMatch(otherMatch(n)) })).filter(
      ({ match }) => match.spec.subjects === undefined,
    )
  let made = 0

  it('cost at most three times as much with 10,000 rules as with 250', { timeout: 60_000 }, async () => {
    const [small, large] = [250, 10_000].map(count => {
      const index = new RuleIndex(rules(count), ['kubernetes'])
      return () => {
        if (index.candidates(named(`family_${made++}`)).length > 0) throw new Error('a rule about something else')
      }
    })
    if (small === undefined || large === undefined) throw new Error('no indexes')
    expect((await atMost(3, large, small)).ratio).toBeLessThanOrEqual(3)
  })

  it('would cost more if each rule was looked at', async () => {
    const [small, large] = [250, 10_000].map(count => {
      const all = rules(count)
      return () => {
        const matched = named(`family_${made++}`)
        if (all.some(({ match }) => match.call(matched))) throw new Error('a rule about something else')
      }
    })
    if (small === undefined || large === undefined) throw new Error('no indexes')
    const { ratio } = await measureRatio(large, small, { rounds: 5, roundMs: 5 })
    expect(ratio).toBeGreaterThan(6)
  })
})
