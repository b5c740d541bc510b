import type * as z from 'zod'
import { describeIssue } from './describe-issue.js'
import { didYouMean } from './did-you-mean.js'
import type { Finding } from './finding.js'
import { knownKeys } from './schema-at.js'
import type { PathSegment, SourceDocument } from './source-document.js'
import { valueAt } from './value-at.js'

export { didYouMean } from './did-you-mean.js'

export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly findings: readonly Finding[] }

const maxFindings = 50

/**
 * Checks a document against the schema of its kind. Every issue becomes an error finding at the value it is about (for
 * an unknown field: at the key), in plain words, with what was probably meant. At most 50 findings.
 */
export function validate<T>(document: SourceDocument, schema: z.ZodType<T>): Validated<T> {
  const result = schema.safeParse(document.value, { jitless: true })
  if (result.success) return { ok: true, value: result.data }
  const findings = result.error.issues.flatMap(issue => toFindings(document, schema, issue, []))
  return { ok: false, findings: findings.slice(0, maxFindings) }
}

function toFindings(
  document: SourceDocument,
  schema: z.core.$ZodType,
  issue: z.core.$ZodIssue,
  base: readonly PropertyKey[],
): readonly Finding[] {
  const path = [...base, ...issue.path]
  const place = path.filter((segment): segment is PathSegment => typeof segment !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => unknownField(document, [...place, key], key, knownKeys(schema, path, document.value)))
  }
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors)
    if (branch !== undefined) return branch.flatMap(inner => toFindings(document, schema, inner, path))
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    const { message, hint } = describeIssue(issue, valueAt(document.value, path))
    return [document.finding('error', place, message, { at: 'key', ...(hint === undefined ? {} : { hint }) })]
  }
  const { message, hint } = describeIssue(issue, valueAt(document.value, path))
  return [document.finding('error', place, message, hint === undefined ? {} : { hint })]
}

function unknownField(
  document: SourceDocument,
  path: readonly PathSegment[],
  key: string,
  known: readonly string[],
): Finding {
  const meant = didYouMean(key, known)
  const hint =
    meant !== undefined
      ? `did you mean ${meant}?`
      : known.length > 0
        ? `known here: ${[...known].sort().join(', ')}`
        : undefined
  return document.finding('error', path, 'unknown field', { at: 'key', ...(hint === undefined ? {} : { hint }) })
}

/**
 * The branch of a union that the author most likely meant: the only one whose own type fits, so that what is wrong is
 * inside it. undefined when none or several do; then the union itself is described.
 */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter(
    issues =>
      issues.length > 0 &&
      issues.every(issue => issue.path.length > 0 || !['invalid_type', 'invalid_value'].includes(issue.code)),
  )
  const [first, ...others] = fitting
  return others.length === 0 ? first : undefined
}
