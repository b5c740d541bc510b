import { judgeCase, judgeType } from './judge-case.js'
import { type ExclusionReason, protobufNeed } from './protobuf-need.js'
import { type SpecCase, specCases } from './spec-case.js'

interface CaseReport {
  readonly file: string
  readonly section: string
  readonly name: string
  readonly expr: string
}

export interface FailedCase extends CaseReport {
  readonly reason: string
}

export interface ExcludedCase extends CaseReport {
  readonly reason: ExclusionReason
  /** The message, enum, extension or variable. */
  readonly needs: string
  /** Whether open object types, which are no protobuf messages, happen to give the right answer. */
  readonly rightAnyway: boolean
}

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly excluded: number
}

export interface SuiteReport {
  readonly passed: readonly CaseReport[]
  readonly failed: readonly FailedCase[]
  readonly excluded: readonly ExcludedCase[]
  readonly counts: Counts & { readonly files: Readonly<Record<string, Counts>> }
}

/** Runs the whole suite: every case has passed, failed, or is excluded for what it needs of protobuf. */
export function runSuite(cases: readonly SpecCase[] = specCases()): SuiteReport {
  const passed: CaseReport[] = []
  const failed: FailedCase[] = []
  const excluded: ExcludedCase[] = []
  for (const { file, section, name, test } of cases) {
    const report = { file, section, name, expr: test.expr }
    const need = protobufNeed(test)
    const problem = judgeCase(test)
    // The checker knows messages, so that types are compared in any case.
    const reason = need === undefined ? problem : judgeType(test)
    if (reason !== undefined) failed.push({ ...report, reason })
    else if (need === undefined) passed.push(report)
    else excluded.push({ ...report, ...need, rightAnyway: problem === undefined })
  }
  const all = { passed, failed, excluded }
  const files = [...new Set(cases.map(({ file }) => file))].sort()
  return {
    ...all,
    counts: { ...countsOf(all), files: Object.fromEntries(files.map(file => [file, countsOf(all, file)])) },
  }
}

type Lists = Pick<SuiteReport, 'passed' | 'failed' | 'excluded'>

function countsOf({ passed, failed, excluded }: Lists, file?: string): Counts {
  const count = (reports: readonly CaseReport[]) =>
    file === undefined ? reports.length : reports.filter(report => report.file === file).length
  return { passed: count(passed), failed: count(failed), excluded: count(excluded) }
}
