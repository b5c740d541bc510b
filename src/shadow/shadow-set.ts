import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { AssembleContext } from '../policy/assemble-snapshot.js'
import type { Compilation } from '../policy/compilation.js'
import { type CompiledDocument, type CompileOptions, compileDocument } from '../policy/compile-document.js'
import { DocumentCache } from '../policy/document-cache.js'
import { gatherInSlices } from '../policy/gather-documents.js'
import { createLoadSchedule, type LoadSchedule } from '../policy/load-schedule.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { PolicySource, SourceContents } from '../policy/source.js'
import { atOnce, type Sliced } from '../sliced.js'
import { isAbsence, layOver, type PoliciesInForce, type ShadowDocument } from './lay-over.js'

export interface ShadowSetOptions {
  readonly sources: readonly PolicySource[]
  readonly compile: CompileOptions
  readonly assemble: AssembleContext
  /** The policies in force; undefined until there are some. */
  inForce(): PoliciesInForce | undefined
  /** After every load. Must not throw. */
  onLoaded?(report: ShadowReport): void
  /** When loading failed; what was loaded before stays. Must not throw. */
  onError?(error: unknown): void
}

export interface ShadowReport {
  /** That which the policies would have after the move; "" while there are none. */
  readonly revision: string
  readonly documents: readonly ShadowDocument[]
  readonly findings: readonly Finding[]
  /** `Kind/name`, and files that cannot be read. */
  readonly broken: readonly string[]
}

/** Two sets of policies that belong together. */
export interface ShadowPair {
  readonly inForce: PolicySnapshot
  readonly shadow: PolicySnapshot
}

/** After this many looks that each saw a change, a source is loaded although it does not come to rest. */
const maxUnsettledLooks = 5

interface Look {
  readonly fingerprint: string
  readonly contents: SourceContents
}

/**
 * Holds the policies of the shadow: those in force with the documents of the shadow sources laid over them. Made anew when
 * either changes, in one assignment. Nothing here is ever enforced.
 */
export class ShadowSet {
  readonly #options: ShadowSetOptions
  readonly #read = new DocumentCache()
  readonly #compiled = new WeakMap<SourceDocument, Compilation<CompiledDocument>>()
  readonly #looks = new Map<PolicySource, Look>()
  /** What the last look at a source saw, while it differs from what is loaded. */
  readonly #unsettled = new Map<PolicySource, { readonly fingerprint: string; readonly looks: number }>()
  readonly #schedule: LoadSchedule
  #current: ShadowPair | undefined
  #report: ShadowReport = { revision: '', documents: [], findings: [], broken: [] }
  #timer: NodeJS.Timeout | undefined

  constructor(options: ShadowSetOptions) {
    this.#options = options
    this.#schedule = createLoadSchedule(() => this.#loadInSlices())
  }

  get current(): ShadowPair | undefined {
    return this.#current
  }

  get report(): ShadowReport {
    return this.#report
  }

  /** Reads everything and compiles what is new, now. */
  load(): ShadowReport {
    for (const source of this.#options.sources) this.#look(source)
    atOnce(this.#layOver())
    return this.#report
  }

  /** Looks at the sources every `intervalMs` (default 1000) and loads what has changed and come to rest. */
  watch(intervalMs = 1000): void {
    this.#timer ??= setInterval(() => this.#poll(), intervalMs).unref()
  }

  /** To be called when the policies in force changed: they have to be laid under anew. Does nothing unless it watches. */
  rebase(): void {
    if (this.#timer !== undefined) this.#schedule.request()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#schedule.stop()
  }

  #poll(): void {
    try {
      const changed = this.#options.sources.filter(source => this.#hasChanged(source))
      for (const source of changed) this.#look(source)
      if (changed.length > 0) this.#schedule.request()
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  /** A file that is being written may be empty for a moment: what is not atomic has to look the same twice. */
  #hasChanged(source: PolicySource): boolean {
    const fingerprint = source.fingerprint()
    const last = this.#unsettled.get(source)
    this.#unsettled.delete(source)
    if (fingerprint === this.#looks.get(source)?.fingerprint) return false
    const looks = (last?.looks ?? 0) + 1
    if (source.atomic === true || last?.fingerprint === fingerprint || looks >= maxUnsettledLooks) return true
    this.#unsettled.set(source, { fingerprint, looks })
    return false
  }

  #look(source: PolicySource): void {
    // Taken before reading: a change in between is seen by the next look.
    const fingerprint = source.fingerprint()
    this.#looks.set(source, { fingerprint, contents: source.read() })
  }

  *#loadInSlices(): Sliced<void> {
    try {
      for (const file of [...this.#looks.values()].flatMap(({ contents }) => contents.files))
        for (const document of (yield* this.#read.readInSlices(file)).documents) {
          this.#compile(document)
          yield
        }
      yield* this.#layOver()
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  *#layOver(): Sliced<void> {
    const { sources, assemble, inForce, onLoaded } = this.#options
    const gathered = yield* gatherInSlices(sources, {
      contents: source => this.#looks.get(source)?.contents ?? { files: [], findings: [] },
      documents: file => this.#read.read(file),
    })
    this.#read.turn()
    const base = inForce()
    if (base === undefined) {
      this.#current = undefined
      const own = gathered.documents.filter(({ document }) => !isAbsence(document))
      const findings = [...gathered.findings, ...own.flatMap(({ document }) => this.#compile(document).findings)]
      this.#report = { revision: '', documents: [], findings, broken: [...gathered.brokenFiles] }
    } else {
      const { snapshot, documents, findings, broken } = yield* layOver(
        base,
        gathered,
        one => this.#compile(one),
        assemble,
      )
      this.#current = { inForce: base.snapshot, shadow: snapshot }
      this.#report = { revision: snapshot.revision, documents, findings, broken }
    }
    onLoaded?.(this.#report)
  }

  #compile(document: SourceDocument): Compilation<CompiledDocument> {
    const known = this.#compiled.get(document)
    if (known !== undefined) return known
    const compilation = compileDocument(document, this.#options.compile)
    this.#compiled.set(document, compilation)
    return compilation
  }
}
