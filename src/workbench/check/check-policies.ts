import type { Finding } from '../../documents/finding.js'
import type { PolicyCode } from './check-codes.js'
import type { CheckedSet, CheckFinding } from './checked-set.js'
import { findContradictions } from './find-contradictions.js'
import { findDeadRules } from './find-dead-rules.js'
import { findImpossibleSubjects } from './find-impossible-subjects.js'
import { findNoValueLeft } from './find-no-value-left.js'
import { findShadowedGrants } from './find-shadowed-grants.js'
import { findUnguardedArguments } from './find-unguarded-arguments.js'
import { findUnusedRules } from './find-unused-rules.js'

/**
 * What only shows when policies that compile are looked at together: rules that cannot matter, and rules that contradict.
 * @param known what loading found: what lint says of an expression is not said again
 */
export function checkPolicies(set: CheckedSet, known: readonly Finding[] = []): readonly CheckFinding[] {
  const dead = findDeadRules(set)
  const doesNothing: ReadonlySet<string> = new Set<PolicyCode>(['never-matches', 'condition-never-holds'])
  const idle = new Set(dead.flatMap(({ code, subject }) => (doesNothing.has(code) ? [subject] : [])))
  const all = [
    ...dead,
    ...findUnguardedArguments(set),
    ...findShadowedGrants(set, idle),
    ...findContradictions(set),
    ...findNoValueLeft(set),
    ...findImpossibleSubjects(set),
    ...findUnusedRules(set),
  ]
  const constant = new Set(known.flatMap(one => (one.code === 'always-true' ? [placeOf(one)] : [])))
  return all.filter(one => one.code !== 'never-denies' || !constant.has(placeOf(one)))
}

function placeOf({ subject, path }: Finding): string {
  return `${subject} ${path}`
}
