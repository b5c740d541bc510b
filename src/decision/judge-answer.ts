import type { DecisionBudgets } from '../policy/decision-budget.js'
import type { Violation } from '../policy/guardrail.js'
import type { ResultGuardrail } from '../policy/result-guardrail.js'
import type { ResultPattern } from '../policy/result-guardrail-patterns.js'
import type { JsonValue } from '../protocol/json-value.js'
import type { Sliced } from '../sliced.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import { occursIn } from './occurs-in.js'
import type { NotesBuilder } from './result-notes.js'
import type { ResultRules } from './result-rules.js'
import { findHits, type Hits, redactText, type SearchedTexts } from './search-texts.js'

/** Something that came back, and is to go on or not as a whole. */
export interface AnswerPart {
  readonly texts: SearchedTexts & {
    /** It names a member: what is found in it takes the whole name with it. */
    isKey(index: number): boolean
    /** Nothing can be put in its place. */
    isFixed(index: number): boolean
  }
  /** Bytes of what `maxBytes` is about: of a result, an error, or a whole text. */
  readonly sizes: readonly number[]
  /** Set where there is a result; its value, or undefined if it cannot be read in one way only. */
  readonly result: (() => JsonValue | undefined) | undefined
}

export type Judged =
  /** What may go on, by the number of the text: what is not there stays as it is. */
  | { readonly ok: true; readonly redacted: ReadonlyMap<number, string> }
  /** At least one. */
  | { readonly ok: false; readonly failures: readonly Failure[] }

interface Owned {
  readonly rule: ResultGuardrail
  readonly pattern: ResultPattern
}

/**
 * Judges by all rules that concern it, so that the message and the record are complete: what denies is judged on what the
 * server sent, and what is redacted once more on what is left. Nothing is noted of a redaction that is then withheld.
 */
export function* judgeAnswer(
  rules: ResultRules,
  part: AnswerPart,
  budgets: DecisionBudgets,
  notes: NotesBuilder,
): Sliced<Judged> {
  const reports: { readonly rule: ResultGuardrail; readonly found: Failure }[] = []
  const report = (rule: ResultGuardrail, found: Failure) => reports.push({ rule, found })
  const activation = rules.activation(() => part.result?.())
  const owned: Owned[] = []
  for (const rule of rules.all) {
    yield
    const budget = rules.enforces(rule) ? budgets.deciding : budgets.observing
    const { applies, violations } = rule.judge({ activation, budget, hasResult: part.result !== undefined })
    for (const violation of violations) report(rule, violated(rule, violation))
    if (!applies) continue
    for (const size of part.sizes) {
      if (rule.maxBytes !== undefined && size > rule.maxBytes) report(rule, tooLarge(rule, size, rule.maxBytes))
    }
    for (const pattern of rule.patterns) owned.push({ rule, pattern })
  }
  const hits = yield* findHits(
    part.texts,
    owned.map(({ pattern }) => pattern),
  )
  const redacting: Owned[] = []
  for (const one of owned) {
    const { rule, pattern } = one
    const found = hits.places.get(pattern) ?? []
    if (hits.tooHeavy.has(pattern)) report(rule, unsearchable(rule))
    else if (pattern.action === 'Redact' && rules.enforces(rule)) {
      redacting.push(one)
    } else if (found.length > 0) report(rule, pattern.action === 'Deny' ? denied(rule, pattern) : unredacted(rule))
  }
  const failures: Failure[] = rules.broken.map(brokenPolicy)
  // The order of names, which is that of the rules, whatever of a rule was judged when.
  for (const { rule, found } of reports.sort((a, b) => rules.all.indexOf(a.rule) - rules.all.indexOf(b.rule))) {
    if (rules.enforces(rule)) failures.push(found)
    else notes.observe({ mode: rule.mode === 'Enforce' ? 'Audit' : rule.mode }, found)
  }
  if (failures.length > 0) return withheld(failures, notes)
  const denying = owned.filter(({ rule, pattern }) => pattern.action === 'Deny' && rules.enforces(rule))
  const redacted = yield* redactAll(part, hits, redacting, denying, notes)
  return redacted.ok ? redacted : withheld(redacted.failures, notes)
}

function withheld(failures: readonly Failure[], notes: NotesBuilder): Judged {
  for (const one of failures) notes.fail(one)
  return { ok: false, failures }
}

function* redactAll(
  { texts }: AnswerPart,
  hits: Hits,
  redacting: readonly Owned[],
  denying: readonly Owned[],
  notes: NotesBuilder,
): Sliced<Judged> {
  const patterns = redacting.map(({ pattern }) => pattern)
  const owners = new Map(redacting.map(({ pattern, rule }) => [pattern, rule]))
  const total = new Map<string, number>()
  const redacted = new Map<number, string>()
  const [{ rule: culprit } = { rule: undefined }] = redacting
  // Without such a pattern there is no such place.
  if (culprit === undefined) return { ok: true, redacted }
  for (const { index, here } of placesInOrder(hits, patterns)) {
    yield
    const text = texts.read(index) ?? ''
    const found = yield* redactText(text, patterns, pattern => here.has(pattern))
    const first = found === undefined ? undefined : [...found.counts.keys()][0]
    if (found === undefined || (texts.isFixed(index) && first !== undefined)) {
      return { ok: false, failures: [unredactable((first && owners.get(first)) ?? culprit)] }
    }
    if (first === undefined) continue
    // Who chooses what is left of a name could make it one that means something else.
    const left = texts.isKey(index) ? first.replacement || '[redacted]' : found.text
    const again = texts.isKey(index) ? redacting.find(({ pattern }) => pattern.test(left)) : undefined
    if (again !== undefined) return { ok: false, failures: [unredactable(again.rule)] }
    for (const { rule, pattern } of denying) {
      yield
      const opened = yield* occursIn(pattern, left)
      if (opened === undefined) return { ok: false, failures: [unsearchable(rule)] }
      if (opened) return { ok: false, failures: [denied(rule, pattern)] }
    }
    redacted.set(index, left)
    for (const [pattern, count] of found.counts) {
      const name = nameOf(owners.get(pattern) ?? { name: '' })
      total.set(name, (total.get(name) ?? 0) + count)
    }
  }
  for (const [name, count] of total) notes.redact(name, count)
  return { ok: true, redacted }
}

/** Texts with something to redact, in their order. */
function* placesInOrder(hits: Hits, patterns: readonly ResultPattern[]) {
  const lists = patterns.flatMap(pattern => {
    const places = hits.places.get(pattern)
    return places === undefined ? [] : [{ pattern, places, at: 0 }]
  })
  for (;;) {
    let index = Number.POSITIVE_INFINITY
    for (const { places, at } of lists) index = Math.min(index, places[at] ?? index)
    if (index === Number.POSITIVE_INFINITY) return
    const here = new Set<ResultPattern>()
    for (const list of lists) {
      if (list.places[list.at] !== index) continue
      here.add(list.pattern)
      list.at++
    }
    yield { index, here }
  }
}

function nameOf({ name }: Pick<ResultGuardrail, 'name'>): string {
  return `Guardrail/${name}`
}

function violated(rule: ResultGuardrail, { reason, message, policyReason, hint }: Violation): Failure {
  return failure(reason, message, {
    policy: nameOf(rule),
    policyReason,
    hints: hint === undefined ? [] : [hint],
  })
}

function denied(rule: ResultGuardrail, { message, policyReason, hint }: ResultPattern): Failure {
  return violated(rule, { reason: 'guardrail.violated', message, policyReason, hint })
}

function tooLarge(rule: ResultGuardrail, size: number, most: number): Failure {
  return failure(
    'guardrail.violated',
    `the guardrail ${rule.name} lets pass results of ${most} bytes at most; this one has ${size}`,
    { policy: nameOf(rule), hints: ['Ask for less: fewer items, a shorter time, a narrower filter.'] },
  )
}

/** Of Audit and Warn, which change nothing. */
function unredacted(rule: ResultGuardrail): Failure {
  return failure('guardrail.violated', `the guardrail ${rule.name} would redact a text of this result`, {
    policy: nameOf(rule),
  })
}

function unredactable(rule: ResultGuardrail): Failure {
  return failure('guardrail.error', `what the guardrail ${rule.name} looks for could not be redacted completely`, {
    policy: nameOf(rule),
    hints: ['Ask for less. The platform team can make its patterns simpler.'],
  })
}

function unsearchable(rule: ResultGuardrail): Failure {
  return failure(
    'guardrail.error',
    `it would take too long to find out whether what the guardrail ${rule.name} looks for is in this result`,
    {
      policy: nameOf(rule),
      hints: ['Ask for less. The platform team can make its patterns simpler.'],
    },
  )
}

function brokenPolicy(policy: string): Failure {
  return failure('policy.error', 'a policy that governs this result does not compile, so it cannot be judged', {
    policy,
    hints: ['Tell the platform team; nothing that you change in the call helps.'],
  })
}
