import { lintCodes } from '../../cel/lint/lint-codes.js'
import type { Finding } from '../../documents/finding.js'

/** What `check` finds beside what lint finds in expressions. The codes are stable: never reuse one. docs/check.md shows this table. */
export const policyCodes = {
  invalid: 'does not compile',
  'unknown-field': 'a field that no document of its kind has',
  'unknown-server': 'a Server that there is not',
  'unknown-tool': 'a tool, or a prompt, that no catalogue of the Servers has',
  'unknown-method': 'a method that is none',
  'never-matches': 'a rule about calls that nobody can make',
  'unused-grant': 'a Grant where nobody asks for one',
  'shadowed-grant': 'a Grant that gives nothing which another does not give',
  'condition-never-holds': 'match conditions that are false, or fail, for every tool that the rule matches',
  'never-denies': 'a validation that is true for every tool that the Guardrail matches, and so denies nothing',
  'fails-for-tools': 'a validation that reads what calls of some tools do not have: it fails, which denies them all',
  'needs-has-guard': 'a validation that fails without an argument that callers may leave out',
  'unreachable-validation': 'a validation beside one that is never true',
  'contradicts-grant': 'a Guardrail that denies all that a Grant gives',
  'no-value-left': 'two validations that no value meets',
  'impossible-subject': 'a user, group or agent that no identity document can make of a token',
  'unused-rule': 'a rule of a role that no tool of the catalogues can use',
  'dangling-role': 'a binding of a role that there is not',
  'shared-header': 'a header that two Enrichments set',
  'header-left-out': 'a header that the Server does not let Enrichments set',
  'audience-mismatch': 'an audience that does not fit the others',
  'audit-trail': 'a server whose audit log will not name the caller',
  attention: 'compiles, and most likely does not do what was meant; the message says why',
} as const satisfies Readonly<Record<string, string>>

export type PolicyCode = keyof typeof policyCodes

/** All that a finding about policies can be called, with what it says. */
export const allCodes: ReadonlyMap<string, string> = new Map([
  ...Object.entries(policyCodes),
  ...Object.entries(lintCodes).map(([code, { says }]) => [code, says] as const),
])

/** By the place, for warnings that loading gives without a code. */
const byPlace: readonly (readonly [RegExp, PolicyCode])[] = [
  [/^spec\.match\.servers\[\d+\]$/, 'unknown-server'],
  [/^spec\.match\.tools\[\d+\]$/, 'unknown-tool'],
  [/^spec\.match\.methods\[\d+\]$/, 'unknown-method'],
  [/^spec\.match\.(?:methods|access|labels)$/, 'never-matches'],
  [/^spec\.match\.servers$/, 'unused-grant'],
  [/audiences\[\d+\]$|\.tokenReview$/, 'audience-mismatch'],
  [/roleRef\.name$/, 'dangling-role'],
  [/^spec\.upstream\.authorization$/, 'audit-trail'],
]

export function codeOf({ code, severity, path, message }: Finding): string {
  if (code !== undefined) return code
  if (severity === 'error') return message === 'unknown field' ? 'unknown-field' : 'invalid'
  if (/^spec\.requestHeaders\[\d+\]\.name$/.test(path))
    return message.startsWith('the Enrichment') ? 'shared-header' : 'header-left-out'
  return byPlace.find(([place]) => place.test(path))?.[1] ?? 'attention'
}
