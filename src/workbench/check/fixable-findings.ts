import type { Finding } from '../../documents/finding.js'
import type { CompileOptions } from '../../policy/compile-document.js'
import { codeOf } from './check-codes.js'
import { findFix, findGuard } from './find-fix.js'
import { diffOf, type Fix, regionOf } from './fix.js'
import { type FixableFile, readFixable } from './fixable-file.js'

/** A finding, with what mends it where that is known. */
export interface FixableFinding {
  readonly finding: Finding
  readonly fix: Fix | undefined
  /** Lines before and after; empty without a fix. */
  readonly diff: readonly string[]
}

/** Findings for which a fix is looked for: each compiles a document several times. */
const mostLookedAt = 200
/** Characters that are compiled for that, in all: one document may have a hundred findings and be a megabyte long. */
const mostCompiled = 4 * 1024 * 1024

/** Findings with their fixes, and the files as they stood when the fixes were found. */
export class FixableFindings {
  readonly all: readonly FixableFinding[]
  #compiled = 0
  readonly #files = new Map<string, FixableFile | undefined>()

  constructor(findings: readonly Finding[], options: CompileOptions) {
    this.all = findings.map((finding, index) => {
      const fix = index < mostLookedAt ? this.#fixOf(finding, options) : undefined
      const text = fix && this.textOf(fix.file)
      return { finding, fix, diff: fix === undefined || text === undefined ? [] : diffOf(text, fix) }
    })
  }

  #fixOf(finding: Finding, options: CompileOptions): Fix | undefined {
    if (finding.hint === undefined) return undefined
    const text = this.textOf(finding.location.file)
    if (text === undefined) return undefined
    if (isGuardable(finding)) return findGuard(finding, finding, text)
    return findFix(finding, text, options, characters => this.#mayCompile(characters))
  }

  #mayCompile(characters: number): boolean {
    this.#compiled += characters
    return this.#compiled <= mostCompiled
  }

  /** undefined for a file that must not be changed. */
  textOf(path: string): string | undefined {
    return this.fileOf(path)?.text
  }

  fileOf(path: string): FixableFile | undefined {
    if (!this.#files.has(path)) this.#files.set(path, readFixable(path))
    return this.#files.get(path)
  }

  /** For machines. */
  toJson({ finding, fix, diff }: FixableFinding): object {
    const { severity, location, subject, path, message, hint } = finding
    const said = {
      severity,
      location,
      subject,
      path,
      message,
      ...(hint !== undefined && { hint }),
      code: codeOf(finding),
    }
    const text = fix && this.textOf(fix.file)
    if (fix === undefined || text === undefined) return said
    const edit = { file: fix.file, range: regionOf(text, fix), text: fix.text }
    return { ...said, fix: { effect: fix.effect, edits: [edit], diff } }
  }
}

function isGuardable(finding: Finding): finding is Finding & { readonly guarded: string; readonly expression: string } {
  return 'guarded' in finding && typeof finding.guarded === 'string'
}
