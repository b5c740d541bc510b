import { createHash } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import { type AssembleContext, assembleSnapshot, type LoadedDocument } from './assemble-snapshot.js'
import { restrictingKinds } from './broken-document.js'
import { type CompileOptions, compileDocument } from './compile-document.js'
import { type Gathered, type GatheredDocument, gatherDocuments } from './gather-documents.js'
import { keepLastGood } from './keep-last-good.js'
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
  /** When looking at the sources or loading them failed; what is in force stays, and the next look tries again. Must not throw. */
  onError?(error: unknown): void
}

/** After this many looks that each saw a change, the sources are loaded although they do not come to rest. */
const maxUnsettledLooks = 5

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
  /** Files that were read whole at some time and are there still: all that they held is known. */
  #soundFiles: ReadonlySet<string> = new Set()
  #fingerprint: string | undefined
  /** What the last look saw, while it differs from what is loaded. */
  #unsettled: { readonly fingerprint: string; readonly looks: number } | undefined
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

  /**
   * Looks at the sources every `intervalMs` (default 1000) and loads what changed once two looks in a row see the same:
   * a file that is being written may be empty for a moment, and an empty file takes away what it held.
   */
  watch(intervalMs = 1000): void {
    this.#timer ??= setInterval(() => this.#poll(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #poll(): void {
    try {
      const fingerprint = this.#print()
      if (fingerprint === this.#fingerprint) {
        this.#unsettled = undefined
        return
      }
      const looks = (this.#unsettled?.looks ?? 0) + 1
      const settled = this.#unsettled?.fingerprint === fingerprint || looks >= maxUnsettledLooks
      this.#unsettled = { fingerprint, looks }
      if (settled) this.load()
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  #print(): string {
    return this.#options.sources.map(source => `${source.name}\0${source.fingerprint()}`).join('\0\0')
  }

  /** Reads and compiles everything now. Unchanged documents are not compiled again. */
  load(): LoadReport {
    // Taken before reading: a change in between is seen by the next look. Known only if all goes well.
    const fingerprint = this.#print()
    const report = this.#load()
    this.#fingerprint = fingerprint
    this.#unsettled = undefined
    this.#options.onLoaded?.(report)
    return report
  }

  #load(): LoadReport {
    const { sources, compile, assemble, brokenPolicies = 'refuse' } = this.#options
    const gathered = gatherDocuments(sources)
    const findings = [...gathered.findings]
    const compiled = gathered.documents.map(one => ({ one, ...this.#compile(one, compile) }))
    findings.push(...compiled.flatMap(({ findings: found }) => found))
    const bad = [
      ...gathered.conflicts,
      ...gathered.refused,
      ...compiled.flatMap(({ one, broken }) => (broken ? [one] : [])),
    ]
    const kept = keepLastGood(this.#lastGood, gathered, new Set(bad.map(one => one.document.file)))
    findings.push(...kept.findings)
    const loaded = [
      ...compiled.flatMap(({ one, loaded: good }) => (good !== undefined && !kept.byKey.has(one.key) ? [good] : [])),
      ...kept.byKey.values(),
    ]
    const assembled = assembleSnapshot(
      {
        loaded,
        broken: bad.map(one => ({
          document: one.document,
          kinds: one.source.kinds,
          covered: isCovered(one, loaded, kept.byKey),
        })),
        unreadable: this.#findUnreadable(gathered),
      },
      assemble,
      this.#current,
    )
    const broken = bad.map(one => one.document)
    findings.push(...assembled.findings)
    for (const key of assembled.brokenKeys) {
      const document = loaded.find(one => one.key === key)?.document
      if (document !== undefined && !broken.includes(document)) broken.push(document)
    }

    const sound = !findings.some(finding => finding.severity === 'error')
    const inForce = sound || this.#current !== undefined || brokenPolicies === 'serve'
    if (inForce) {
      this.#current = { ...assembled.snapshot, findings }
      const conflicting = new Set(gathered.conflicts.map(one => one.key))
      const known = new Set([...gathered.documents.map(one => one.key), ...conflicting, ...kept.byKey.keys()])
      for (const key of this.#lastGood.keys()) if (!known.has(key)) this.#lastGood.delete(key)
      for (const one of loaded) this.#lastGood.set(one.key, one)
      this.#soundFiles = new Set([...gathered.soundFiles, ...this.#stillKnown(gathered)])
    }
    const names = broken.map(document => `${document.kind}/${document.name}`)
    this.#report = {
      revision: assembled.snapshot.revision,
      inForce,
      documents: loaded.length,
      findings,
      broken: [...new Set([...names, ...gathered.brokenFiles])],
    }
    return this.#report
  }

  /** Broken files that were sound before, or stand in a source that is out of sight. */
  #stillKnown({ brokenFiles, lostSources }: Gathered): readonly string[] {
    const lost = new Set(
      [...this.#lastGood.values()].flatMap(one => (lostSources.has(one.source) ? [one.document.file] : [])),
    )
    return [...this.#soundFiles].filter(file => brokenFiles.has(file) || lost.has(file))
  }

  /** Broken files of which not all was known before: nobody knows what they would have restricted. */
  #findUnreadable({ brokenFiles, lostSources, lostFiles }: Gathered): readonly string[] {
    const good = [...this.#lastGood.values()]
    const files = new Set(good.map(one => one.document.file))
    const known = (file: string) => {
      const source = lostFiles.get(file)
      if (source === undefined) return this.#soundFiles.has(file) && files.has(file)
      return lostSources.has(source) && good.some(one => one.source === source)
    }
    return [...brokenFiles].filter(file => !known(file))
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
      const { name, trust } = source
      const loaded = { key, document, digest, source: name, trust, compiled: value, warnings: findings }
      return { loaded, findings, broken: false }
    }
    return { loaded: known, findings, broken: true }
  }
}

/** Whether a version of a broken document is in force in its place: under its key, or under the kind that it had before. */
function isCovered(
  { key, document }: GatheredDocument,
  loaded: readonly LoadedDocument[],
  kept: ReadonlyMap<string, LoadedDocument>,
): boolean {
  if (loaded.some(one => one.key === key)) return true
  return [...kept.values()].some(
    one =>
      one.document.file === document.file &&
      one.document.name === document.name &&
      restrictingKinds.has(one.document.kind),
  )
}
