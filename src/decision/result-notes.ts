import type { ResultGuardrail } from '../policy/result-guardrail.js'
import type { Failure } from './decision.js'

/** What Guardrails about results made of an answer, for the record; no texts of results. */
export interface ResultNotes {
  /** Why results were withheld. */
  readonly failures: readonly Failure[]
  /** What those in Audit would have withheld or redacted. */
  readonly would: readonly Failure[]
  /** What those in Warn tell. */
  readonly warnings: readonly string[]
  /** In how many places each Guardrail has replaced something; `policy` is `Guardrail/name`. */
  readonly redactions: readonly { readonly policy: string; readonly count: number }[]
}

export const noNotes: ResultNotes = { failures: [], would: [], warnings: [], redactions: [] }

/** Of each kind; an answer of many messages may say the same of all of them, which is noted once. */
const mostNoted = 64

export class NotesBuilder {
  readonly #failures = new Map<string, Failure>()
  readonly #would = new Map<string, Failure>()
  readonly #warnings = new Set<string>()
  readonly #redactions = new Map<string, number>()

  fail(failure: Failure): void {
    note(this.#failures, failure)
  }

  /** What a Guardrail that does not enforce found. */
  observe({ mode }: Pick<ResultGuardrail, 'mode'>, failure: Failure): void {
    if (mode === 'Audit') note(this.#would, failure)
    else if (this.#warnings.size < mostNoted) this.#warnings.add(failure.message)
  }

  redact(policy: string, count: number): void {
    this.#redactions.set(policy, (this.#redactions.get(policy) ?? 0) + count)
  }

  build(): ResultNotes {
    return {
      failures: [...this.#failures.values()],
      would: [...this.#would.values()],
      warnings: [...this.#warnings],
      redactions: [...this.#redactions].map(([policy, count]) => ({ policy, count })),
    }
  }
}

function note(notes: Map<string, Failure>, failure: Failure): void {
  const key = `${failure.policy} ${failure.reason} ${failure.message}`
  if (notes.size < mostNoted && !notes.has(key)) notes.set(key, failure)
}

/** Whether there is anything to record. */
export function isNoteworthy({ failures, would, warnings, redactions }: ResultNotes): boolean {
  return failures.length + would.length + warnings.length + redactions.length > 0
}
