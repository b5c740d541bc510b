import type { Check, SuiteResult } from './run-suite.js'

export interface Difference {
  readonly scenario: string
  /** Of the check; undefined when only one side has the scenario. */
  readonly check?: string
  readonly direct: string
  readonly through: string
}

export interface Comparison {
  readonly scenarios: number
  readonly checks: number
  /** Of the direct run. */
  readonly passed: number
  readonly differences: readonly Difference[]
}

/**
 * Two runs of one suite: the same scenarios must have made the same checks in the same order with the same status.
 * Messages and details may differ: they hold ports, times and ids.
 */
export function compareResults(direct: SuiteResult, through: SuiteResult): Comparison {
  const differences: Difference[] = []
  for (const scenario of new Set([...direct.keys(), ...through.keys()])) {
    const [one, other] = [direct.get(scenario), through.get(scenario)]
    if (one === undefined || other === undefined) {
      const said = (checks: readonly Check[] | undefined) => (checks === undefined ? 'not run' : 'run')
      differences.push({ scenario, direct: said(one), through: said(other) })
      continue
    }
    for (let index = 0; index < Math.max(one.length, other.length); index++) {
      const [expected, found] = [one[index], other[index]]
      if (expected?.id === found?.id && expected?.status === found?.status) continue
      const check = expected?.id ?? found?.id ?? ''
      differences.push({ scenario, check, direct: describe(expected), through: describe(found) })
      // What follows a check that is missing on one side is shifted.
      if (expected?.id !== found?.id) break
    }
  }
  const checks = [...direct.values()].flat()
  const passed = checks.filter(({ status }) => status === 'SUCCESS').length
  return { scenarios: direct.size, checks: checks.length, passed, differences }
}

function describe(check: Check | undefined): string {
  if (check === undefined) return 'no such check'
  return `${check.id} ${check.status}${check.errorMessage === undefined ? '' : ` (${check.errorMessage})`}`
}
