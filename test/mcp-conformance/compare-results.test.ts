import { describe, expect, it } from 'vitest'
import { compareResults } from './compare-results.js'
import type { Check, SuiteResult } from './run-suite.js'

const check = (id: string, status: Check['status'], more: Partial<Check> = {}): Check => ({
  id,
  status,
  details: undefined,
  ...more,
})
const result = (scenarios: Readonly<Record<string, readonly Check[]>>): SuiteResult =>
  new Map(Object.entries(scenarios))
const ping = check('ping', 'SUCCESS')
const slow = check('slow', 'FAILURE')

describe('two runs of a suite', () => {
  it('are the same when every check is, whatever its details', () => {
    const one = result({ ping: [ping], slow: [slow, check('info', 'INFO', { details: { port: 1 } })] })
    const other = result({ ping: [ping], slow: [slow, check('info', 'INFO', { details: { port: 2 } })] })
    expect(compareResults(one, other)).toEqual({ scenarios: 2, checks: 3, passed: 1, differences: [] })
  })

  it.each([
    ['another status', [check('ping', 'FAILURE', { errorMessage: 'no answer' })], 'ping FAILURE (no answer)'],
    ['a warning', [check('ping', 'WARNING')], 'ping WARNING'],
    ['a check more', [ping, slow], 'slow FAILURE'],
    ['a check less', [], 'no such check'],
    ['another check', [slow], 'slow FAILURE'],
  ])('differ by %s', (_what, checks, through) => {
    const { differences } = compareResults(result({ ping: [ping] }), result({ ping: checks }))
    expect(differences).toMatchObject([{ scenario: 'ping', through }])
  })

  it('differ by a scenario that only one of them has, on either side', () => {
    const [none, one] = [result({}), result({ ping: [ping] })]
    expect(compareResults(one, none).differences).toEqual([{ scenario: 'ping', direct: 'run', through: 'not run' }])
    expect(compareResults(none, one).differences).toEqual([{ scenario: 'ping', direct: 'not run', through: 'run' }])
  })

  it('tell about the first check only where checks are shifted', () => {
    const one = result({ ping: [check('a', 'INFO'), check('b', 'INFO'), check('c', 'INFO')] })
    const other = result({ ping: [check('b', 'INFO'), check('c', 'INFO')] })
    expect(compareResults(one, other).differences).toHaveLength(1)
  })
})
