import type { Expr } from '../syntax/ast.js'
import { constantConditions } from './constant-conditions.js'
import { constantIndex } from './constant-index.js'
import { costly } from './costly.js'
import { disjointComparisons } from './disjoint-comparisons.js'
import { duplicateKeys } from './duplicate-keys.js'
import { duplicateOperands } from './duplicate-operands.js'
import type { LintContext } from './lint-context.js'
import { type LintIssue, type LintRule, LintSubject, type LintTypes } from './lint-subject.js'
import { openHosts } from './open-hosts.js'
import { openPatterns } from './open-patterns.js'
import { scopeSubstrings } from './scope-substrings.js'
import { unknownNames } from './unknown-names.js'
import { unusedVariables } from './unused-variables.js'
import { wrongKinds } from './wrong-kinds.js'

export type { LintContext, PathFacts } from './lint-context.js'
export type { LintIssue } from './lint-subject.js'

const rules: readonly LintRule[] = [
  unusedVariables,
  constantConditions,
  duplicateOperands,
  duplicateKeys,
  constantIndex,
  disjointComparisons,
  wrongKinds,
  unknownNames,
  scopeSubstrings,
  openHosts,
  openPatterns,
  costly,
]

/**
 * What compiles and most likely does not do what its author wanted: `lintCodes` lists it. At most 50 issues, in the order
 * of the source. A matter of taste is none, and neither is a member that is read without has(): a missing one is an error,
 * and an error denies. Messages quote the expression. For authors' tools: takes longer than compiling does.
 */
export function lintExpression(expr: Expr, checked: LintTypes, context: LintContext = {}): readonly LintIssue[] {
  const subject = new LintSubject(expr, checked, context)
  for (const rule of rules) rule(subject)
  return subject.issues
}
