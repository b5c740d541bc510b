import { createHash } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { type AssembleContext, assembleSnapshot, type LoadedDocument } from './assemble-snapshot.js'
import { type CompileOptions, compileDocument } from './compile-document.js'
import { type GatheredDocument, gatherDocuments, keyOf } from './gather-documents.js'
import type { PolicySnapshot } from './snapshot.js'
import type { PolicySource } from './source.js'

export interface PolicyStoreOptions {
  readonly sources: readonly PolicySource[]
  readonly compile: CompileOptions
  readonly assemble: AssembleContext
  /** What to do at start when a document does not compile. Default refuse: not ready, everything denied. */
  readonly brokenPolicies?: 'refuse' | 'serve'
  /** After every load that changed something. Must not throw. */
  onLoaded?(report: LoadReport): void
}

export interface LoadReport {
  readonly revision: string
  /** Whether this load is in force. False only before the first good one, under `refuse`. */
  readonly inForce: boolean
  readonly documents: number
  readonly findings: readonly Finding[]
  /** `Kind/name` of documents that do not compile: their last good version, or a denial, is in force. */
  readonly broken: readonly string[]
}

/**
 * Holds the policies in force. Loading is atomic: a new snapshot replaces the old one in one assignment, or nothing
 * changes. A document that stops compiling keeps its last good version.
 */
export class PolicyStore {
  readonly #options: PolicyStoreOptions
  readonly #lastGood = new Map<string, LoadedDocument>()
  #fingerprint: string | undefined
  #current: PolicySnapshot | undefined
  #report: LoadReport | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: PolicyStoreOptions) {
    this.#options = options
  }

  /** The snapshot in force; undefined until a first one may be. */
  get current(): PolicySnapshot | undefined {
    return this.#current
  }

  get report(): LoadReport | undefined {
    return this.#report
  }

  /** Looks at the sources every `intervalMs` (default 1000) and loads when they changed. */
  watch(intervalMs = 1000): void {
    this.#timer ??= setInterval(() => this.#poll(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #poll(): void {
    if (this.#print() !== this.#fingerprint) this.load()
  }

  #print(): string {
    return this.#options.sources.map(source => `${source.name}\0${source.fingerprint()}`).join('\0\0')
  }

  /** Reads and compiles everything now. Unchanged documents are not compiled again. */
  load(): LoadReport {
    // Taken before reading: a change in between is seen by the next look.
    this.#fingerprint = this.#print()
    const { sources, compile, assemble, brokenPolicies = 'refuse' } = this.#options
    const gathered = gatherDocuments(sources)
    const findings = [...gathered.findings]
    const loaded: LoadedDocument[] = []
    const broken: SourceDocument[] = gathered.conflicts.map(one => one.document)
    const seen = new Set<string>(gathered.conflicts.map(one => one.key))
    for (const one of gathered.documents) {
      seen.add(one.key)
      const compiled = this.#compile(one, compile)
      findings.push(...compiled.findings)
      if (compiled.loaded !== undefined) loaded.push(compiled.loaded)
      if (compiled.broken) broken.push(one.document)
    }
    // Text that cannot be read hides which documents stand in it: what its file gave before stays.
    for (const [key, kept] of this.#lastGood) {
      if (seen.has(key) || !gathered.brokenFiles.has(kept.document.file)) continue
      seen.add(key)
      loaded.push(kept)
    }
    const unreadable = findUnreadable(gathered.brokenFiles, this.#lastGood)
    const assembled = assembleSnapshot(
      { loaded, broken: withoutGood(broken, loaded), unreadable },
      assemble,
      this.#current,
    )
    findings.push(...assembled.findings)
    for (const key of assembled.brokenKeys) {
      const document = loaded.find(one => one.key === key)?.document
      if (document && !broken.includes(document)) broken.push(document)
    }

    const sound = !findings.some(finding => finding.severity === 'error')
    const inForce = sound || this.#current !== undefined || brokenPolicies === 'serve'
    if (inForce) {
      this.#current = { ...assembled.snapshot, findings }
      for (const key of this.#lastGood.keys()) if (!seen.has(key)) this.#lastGood.delete(key)
      for (const one of loaded) this.#lastGood.set(one.key, one)
    }
    const names = broken.map(document => `${document.kind}/${document.name}`)
    this.#report = {
      revision: assembled.snapshot.revision,
      inForce,
      documents: loaded.length,
      findings,
      broken: [...new Set([...names, ...gathered.brokenFiles])],
    }
    this.#options.onLoaded?.(this.#report)
    return this.#report
  }

  #compile(
    { key, document, source }: GatheredDocument,
    options: CompileOptions,
  ): { readonly loaded: LoadedDocument | undefined; readonly findings: readonly Finding[]; readonly broken: boolean } {
    const digest = createHash('sha256').update(document.text).digest('hex')
    const known = this.#lastGood.get(key)
    if (known?.digest === digest && known.document.file === document.file && known.document.index === document.index) {
      return { loaded: known, findings: known.warnings, broken: false }
    }
    const { value, findings } = compileDocument(document, options)
    if (value !== undefined) {
      const loaded = { key, document, digest, source: source.name, compiled: value, warnings: findings }
      return { loaded, findings, broken: false }
    }
    return { loaded: known, findings, broken: true }
  }
}

function withoutGood(broken: readonly SourceDocument[], loaded: readonly LoadedDocument[]): readonly SourceDocument[] {
  const good = new Set(loaded.map(one => one.key))
  return broken.filter(document => !good.has(keyOf(document)))
}

/** Broken files of which nothing was ever good: nobody knows what they would have restricted. */
function findUnreadable(files: ReadonlySet<string>, lastGood: ReadonlyMap<string, LoadedDocument>): readonly string[] {
  const known = new Set([...lastGood.values()].map(one => one.document.file))
  return [...files].filter(file => !known.has(file))
}
