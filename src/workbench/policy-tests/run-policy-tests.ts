import type { Finding, Location } from '../../documents/finding.js'
import { checkNames } from './bind-tests.js'
import { compareOutcome, describeDecision, type Mismatch } from './compare-outcome.js'
import { enforcePolicies } from './enforce-policies.js'
import { explainOutcome } from './explain-outcome.js'
import { judgeCase } from './judge-case.js'
import { observePolicies } from './observe-policies.js'
import { type LoadedSet, loadPolicySet, type PolicySetOptions } from './policy-set.js'
import type { PolicyTest } from './policy-test.js'
import { type CoverageReport, type CoveredRule, RuleCoverage, share } from './rule-coverage.js'
import { withoutId } from './without-id.js'

export interface RunOptions {
  readonly tests: readonly PolicyTest[]
  /** The policies of a test; the same key means the same policies, which are loaded once. */
  policiesOf(test: PolicyTest): { readonly key: string; readonly options: PolicySetOptions }
  /** Which cases run, by `document/case`. Default: all. */
  readonly selects?: (name: string) => boolean
  readonly coverage?: boolean
  /** Told before each case: how many were looked at. */
  onProgress?(done: number, of: number): void
  /** Ends the run early; the report is of the cases until then. */
  readonly signal?: AbortSignal
}

export interface CaseReport {
  /** Name of the document. */
  readonly test: string
  readonly name: string
  readonly location: Location
  readonly status: 'passed' | 'failed'
  /** What came, in a few words. */
  readonly actual: string
  /** Empty when passed. */
  readonly mismatches: readonly Mismatch[]
  /** What every rule said; empty when passed. */
  readonly explanation: readonly string[]
}

export interface RunReport {
  readonly cases: readonly CaseReport[]
  readonly passed: number
  readonly failed: number
  /** Cases that the filter left out. */
  readonly leftOut: number
  /** Of policies and tests that do not compile. Cases of those are not among the cases. */
  readonly findings: readonly Finding[]
  /** Set where it was asked for. */
  readonly coverage: CoverageReport | undefined
}

interface Loaded {
  readonly loaded: LoadedSet
  readonly coverage: RuleCoverage | undefined
}

/** Runs tests one after the other. The same policies and tests give the same report. */
export async function runPolicyTests(options: RunOptions): Promise<RunReport> {
  const { tests, policiesOf, selects = () => true, coverage = false, onProgress, signal } = options
  const sets = new Map<string, Loaded>()
  const cases: CaseReport[] = []
  const findings: Finding[] = []
  const all = tests.reduce((sum, test) => sum + test.cases.length, 0)
  const isAborted = () => signal?.aborted === true
  let leftOut = 0
  try {
    for (const test of tests) {
      if (isAborted()) break
      const selected = test.cases.filter(({ name }) => selects(`${test.name}/${name}`))
      leftOut += test.cases.length - selected.length
      if (selected.length === 0) continue
      const { key, options: policies } = policiesOf(test)
      const known = sets.get(key)
      const { loaded, coverage: rules } = known ?? (await load(policies, coverage))
      if (known === undefined) {
        sets.set(key, { loaded, coverage: rules })
        if (!loaded.ok) findings.push(...loaded.findings.filter(({ severity }) => severity === 'error'))
      }
      if (!loaded.ok) continue
      const { set } = loaded
      const names = set.documents.map(({ document }) => `${document.kind}/${document.name}`)
      const wrong = checkNames(test, set.snapshot, names)
      findings.push(...wrong)
      if (wrong.length > 0) continue
      const observed = observePolicies(test.mode === 'Enforce' ? enforcePolicies(set.snapshot) : set.snapshot, rules)
      for (const one of selected) {
        if (isAborted()) break
        onProgress?.(cases.length + leftOut, all)
        const outcome = await judgeCase(one, set, observed, rules)
        const mismatches = compareOutcome(one.expectation, outcome)
        const failed = mismatches.length > 0
        cases.push({
          ...{ test: test.name, name: one.name, location: one.location, status: failed ? 'failed' : 'passed' },
          actual: withoutId(describeDecision(outcome), outcome.decision),
          mismatches,
          explanation: failed ? explainOutcome(outcome) : [],
        })
      }
    }
  } finally {
    for (const { loaded } of sets.values()) if (loaded.ok) loaded.set.issuer.stop()
  }
  const failed = cases.filter(({ status }) => status === 'failed').length
  const reports = [...sets.values()].flatMap(({ coverage: rules }) => rules?.report() ?? [])
  return {
    ...{ cases, passed: cases.length - failed, failed, leftOut, findings },
    coverage: coverage ? merge(reports) : undefined,
  }
}

async function load(options: PolicySetOptions, withCoverage: boolean): Promise<Loaded> {
  const loaded = await loadPolicySet(options)
  return { loaded, coverage: withCoverage && loaded.ok ? new RuleCoverage(loaded.set) : undefined }
}

const states: readonly CoveredRule['state'][] = ['untouched', 'asked', 'decided']

/** A rule that several sets of policies hold is one rule, and what any of them saw counts. */
function merge(reports: readonly CoverageReport[]): CoverageReport {
  const rules = new Map<string, CoveredRule>()
  for (const rule of reports.flatMap(one => one.rules)) {
    const key = `${rule.location.file}\0${rule.location.document}\0${rule.rule}`
    const known = rules.get(key)
    if (known === undefined || states.indexOf(rule.state) > states.indexOf(known.state)) rules.set(key, rule)
  }
  const all = [...rules.values()].sort((a, b) =>
    a.location.file < b.location.file ? -1 : a.location.file > b.location.file ? 1 : a.location.line - b.location.line,
  )
  return { rules: all, ...share(all) }
}
