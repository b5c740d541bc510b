import type { Failure } from '../../decision/decision.js'

/** What one rule, or several in their order, make of a call of which not all is known. */
export type Verdict =
  | { readonly kind: 'passes' }
  /** It is denied. `certain`: by this failure, and no other one could come before it. */
  | { readonly kind: 'fails'; readonly failure: Failure; readonly certain: boolean }
  /** What it hangs on, as policies name it (`args.amount`), or in a word (`scopes`). Never empty. */
  | { readonly kind: 'open'; readonly on: readonly string[] }

export const passes: Verdict = { kind: 'passes' }

export function fails(failure: Failure): Verdict {
  return { kind: 'fails', failure, certain: true }
}

export function open(on: readonly string[]): Verdict {
  return { kind: 'open', on: on.length === 0 ? ['the call'] : [...new Set(on)] }
}

/** Of rules that decide in this order: the first that fails, whatever those before it that are open come to. */
export function inOrder(verdicts: readonly Verdict[]): Verdict {
  const on: string[] = []
  for (const verdict of verdicts) {
    if (verdict.kind === 'open') on.push(...verdict.on)
    if (verdict.kind === 'fails') return on.length === 0 ? verdict : { ...verdict, certain: false }
  }
  return on.length === 0 ? passes : open(on)
}
