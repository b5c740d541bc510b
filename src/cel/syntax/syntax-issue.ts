/** What is wrong with a source, and where: `at` counts UTF-16 units from 0. */
export interface SyntaxIssue {
  readonly at: number
  readonly message: string
  /** What to write instead. */
  readonly hint?: string
}

/** More than this many issues help nobody. */
const mostIssues = 20

/** Collects issues while a source is read. */
export class SyntaxIssues {
  readonly list: SyntaxIssue[] = []
  #stopped = false

  /** The reader can go on after this one. */
  add(at: number, message: string, hint?: string): void {
    if (this.#stopped || this.list.length >= mostIssues) return
    this.list.push(hint === undefined ? { at, message } : { at, message, hint })
  }

  /** Nothing that comes after this one would mean anything. */
  stop(at: number, message: string, hint?: string): undefined {
    this.add(at, message, hint)
    this.#stopped = true
    return undefined
  }
}
