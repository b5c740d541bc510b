import { createHash } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { type AssembleContext, type AssembleInput, assembleSnapshot, type LoadedDocument } from './assemble-snapshot.js'
import { restrictingKinds } from './broken-document.js'
import type { Compilation } from './compilation.js'
import { type CompiledDocument, type CompileOptions, compileDocument } from './compile-document.js'
import { DocumentCache } from './document-cache.js'
import type { DocumentState } from './document-state.js'
import { type Gathered, type GatheredDocument, gatherDocuments } from './gather-documents.js'
import { HandOvers } from './hand-over.js'
import { keepLastGood } from './keep-last-good.js'
import { createLoadSchedule, type LoadSchedule } from './load-schedule.js'
import type { PolicySnapshot } from './snapshot.js'
import type { PolicySource, SourceContents } from './source.js'

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

/** Milliseconds after which a load of atomic sources lets requests be decided before it goes on. */
const sliceMs = 10
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
  /** What became of each document, in the order of the sources. */
  readonly states: readonly DocumentState[]
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
  /** Names of the sources of which all was in force when they were last looked through: nothing is closed because of them. */
  readonly #soundSources = new Set<string>()
  readonly #documents = new DocumentCache()
  /** What came of documents, good or bad, for as long as they are kept anyway. */
  readonly #compiled = new WeakMap<SourceDocument, Compilation<CompiledDocument>>()
  readonly #handOvers = new HandOvers()
  readonly #schedule: LoadSchedule
  /** What is loaded of each source, and the fingerprint that it had before it was read. */
  readonly #contents = new Map<PolicySource, { readonly fingerprint: string; readonly contents: SourceContents }>()
  /** What the last look at sources that are not atomic saw, while it differs from what is loaded. */
  #unsettled: { readonly fingerprint: string; readonly looks: number } | undefined
  #current: PolicySnapshot | undefined
  /** What it was made of. */
  #input: AssembleInput | undefined
  #report: LoadReport | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: PolicyStoreOptions) {
    this.#options = options
    this.#schedule = createLoadSchedule(() => this.#loadInSteps())
  }

  /** The snapshot in force; undefined until a first one may be. */
  get current(): PolicySnapshot | undefined {
    return this.#current
  }

  get report(): LoadReport | undefined {
    return this.#report
  }

  /** What the snapshot in force was made of, for whoever makes another of it; undefined like `current`. */
  get input(): AssembleInput | undefined {
    return this.#input
  }

  /** The documents in force, as they were read; of one that is broken now, its last good version. */
  get documents(): readonly SourceDocument[] {
    return [...this.#lastGood.values()].map(({ document }) => document)
  }

  /**
   * Looks at the sources every `intervalMs` (default 1000) and loads what changed once two looks in a row see the same:
   * a file that is being written may be empty for a moment, and an empty file takes away what it held. Atomic sources
   * need no second look, and no first one if they call `changed`.
   */
  watch(intervalMs = 1000): void {
    this.#timer ??= setInterval(() => this.#guarded(() => this.#poll()), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#schedule.stop()
  }

  /**
   * To be called when an atomic source changed. Loads what such sources hold, and only that, some 50 ms later, many
   * calls at once (see load-schedule.ts). Does nothing unless the store watches: `load` reads whatever there is.
   */
  changed(): void {
    if (this.#timer !== undefined) this.#schedule.request()
  }

  #guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  #poll(): void {
    const { sources } = this.#options
    if (this.#handOvers.due || sources.some(source => source.atomic === true && this.#differs(source)))
      this.#schedule.request()
    const watched = sources.filter(source => source.atomic !== true)
    const prints = watched.map(source => ({ source, fingerprint: source.fingerprint() }))
    if (prints.every(({ source, fingerprint }) => this.#contents.get(source)?.fingerprint === fingerprint)) {
      this.#unsettled = undefined
      return
    }
    const fingerprint = prints.map(print => `${print.source.name}\0${print.fingerprint}`).join('\0\0')
    const looks = (this.#unsettled?.looks ?? 0) + 1
    const settled = this.#unsettled?.fingerprint === fingerprint || looks >= maxUnsettledLooks
    this.#unsettled = { fingerprint, looks }
    if (settled) this.load()
  }

  #differs(source: PolicySource): boolean {
    return source.fingerprint() !== this.#contents.get(source)?.fingerprint
  }

  *#loadInSteps(): Generator<void> {
    try {
      yield* this.#prepare()
      this.#loadChanged()
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  /** Reads and compiles what is new in atomic sources, some of it at a time; the load finds it done. */
  *#prepare(): Generator<void> {
    let began = performance.now()
    for (const source of this.#options.sources) {
      if (source.atomic !== true || !this.#differs(source)) continue
      for (const file of source.read().files)
        for (const document of this.#documents.read(file).documents) {
          this.#compileOnce(document)
          if (performance.now() - began < sliceMs) continue
          yield
          began = performance.now()
        }
    }
  }

  /** Sources that are not atomic stay as they were loaded: a file that is being written must not come along. */
  #loadChanged(): void {
    const { sources } = this.#options
    if (sources.some(source => !this.#contents.has(source))) this.load()
    else if (this.#handOvers.due || sources.some(source => source.atomic === true && this.#differs(source)))
      this.#loadFrom(source => source.atomic === true)
  }

  /** Reads and compiles everything now. Unchanged documents are not compiled again. */
  load(): LoadReport {
    const report = this.#loadFrom(() => true)
    this.#unsettled = undefined
    return report
  }

  #loadFrom(isRead: (source: PolicySource) => boolean): LoadReport {
    const read = new Map<PolicySource, { readonly fingerprint: string; readonly contents: SourceContents }>()
    for (const source of this.#options.sources) {
      if (!isRead(source)) continue
      // Taken before reading: a change in between is seen by the next look.
      const fingerprint = source.fingerprint()
      read.set(source, { fingerprint, contents: source.read() })
    }
    const report = this.#load(
      source => (read.get(source) ?? this.#contents.get(source))?.contents ?? { files: [], findings: [], lost: true },
    )
    // Known only if all went well.
    for (const [source, one] of read) this.#contents.set(source, one)
    this.#options.onLoaded?.(report)
    return report
  }

  #load(contents: (source: PolicySource) => SourceContents): LoadReport {
    const { sources, assemble, brokenPolicies = 'refuse' } = this.#options
    this.#handOvers.begin()
    const gathered = gatherDocuments(sources, {
      contents,
      documents: file => this.#documents.read(file),
      handOver: (key, candidates) => this.#handOvers.settle(key, candidates, one => this.#knownAs(one) !== undefined),
    })
    this.#handOvers.end()
    this.#documents.turn()
    const findings = [...gathered.findings]
    const compiled = gathered.documents.map(one => ({ one, ...this.#compile(one) }))
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
    const covered = new Set(bad.filter(one => isCovered(one, loaded, kept.byKey)))
    const unreadable = this.#findUnreadable(gathered)
    const input = {
      loaded,
      broken: bad.map(one => ({ document: one.document, kinds: one.source.kinds, covered: covered.has(one) })),
      unreadable,
    }
    const assembled = assembleSnapshot(input, assemble, this.#current)
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
      this.#input = input
      const conflicting = new Set(gathered.conflicts.map(one => one.key))
      const known = new Set([...gathered.documents.map(one => one.key), ...conflicting, ...kept.byKey.keys()])
      for (const key of this.#lastGood.keys()) if (!known.has(key)) this.#lastGood.delete(key)
      for (const one of loaded) this.#lastGood.set(one.key, one)
      this.#soundFiles = new Set([...gathered.soundFiles, ...this.#stillKnown(gathered)])
      for (const { name } of sources) if (!gathered.lostSources.has(name)) this.#soundSources.add(name)
      for (const file of unreadable) this.#soundSources.delete(gathered.brokenSources.get(file) ?? '')
      for (const one of bad) if (!covered.has(one)) this.#soundSources.delete(one.source.name)
    }
    const names = broken.map(document => `${document.kind}/${document.name}`)
    this.#report = {
      revision: assembled.snapshot.revision,
      inForce,
      documents: loaded.length,
      findings,
      broken: [...new Set([...names, ...gathered.brokenFiles])],
      states: statesOf(gathered, loaded, broken),
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

  /**
   * Broken files of which not all was known before: nobody knows what they would have restricted. What cannot restrict
   * anything, such as a source of Grants, has no say in this: whoever writes there must not be able to close everything.
   */
  #findUnreadable({ brokenFiles, harmlessFiles, lostFiles }: Gathered): readonly string[] {
    const files = new Set([...this.#lastGood.values()].map(one => one.document.file))
    const known = (file: string) => {
      const source = lostFiles.get(file)
      return source === undefined ? this.#soundFiles.has(file) && files.has(file) : this.#soundSources.has(source)
    }
    return [...brokenFiles].filter(file => !harmlessFiles.has(file) && !known(file))
  }

  #compileOnce(document: SourceDocument): Compilation<CompiledDocument> {
    const known = this.#compiled.get(document)
    if (known !== undefined) return known
    const compilation = compileDocument(document, this.#options.compile)
    this.#compiled.set(document, compilation)
    return compilation
  }

  #compile({ key, document, source }: GatheredDocument): {
    readonly loaded: LoadedDocument | undefined
    readonly findings: readonly Finding[]
    readonly broken: boolean
  } {
    const digest = digestOf(document)
    const known = this.#lastGood.get(key)
    const same = this.#knownAs({ key, document })
    if (same !== undefined) return { loaded: same, findings: same.warnings, broken: false }
    const { value, findings } = this.#compileOnce(document)
    if (value !== undefined) {
      const { name, trust } = source
      const loaded = { key, document, digest, source: name, trust, compiled: value, warnings: findings }
      return { loaded, findings, broken: false }
    }
    return { loaded: known, findings, broken: true }
  }

  /** The document in force, if it is this one, word for word, in the same place. */
  #knownAs({ key, document }: Pick<GatheredDocument, 'key' | 'document'>): LoadedDocument | undefined {
    const known = this.#lastGood.get(key)
    if (known?.document.file !== document.file || known.document.index !== document.index) return undefined
    return known.document === document || known.digest === digestOf(document) ? known : undefined
  }
}

function digestOf({ text }: SourceDocument): string {
  return createHash('sha256').update(text).digest('hex')
}

function statesOf(
  { documents, conflicts, refused, overridden }: Gathered,
  loaded: readonly LoadedDocument[],
  broken: readonly SourceDocument[],
): readonly DocumentState[] {
  const inForce = new Map(loaded.map(one => [one.key, one]))
  const notLoaded = new Set(broken)
  const gathered = [...documents, ...conflicts, ...refused, ...overridden]
  const seen = new Set(gathered.map(one => one.key))
  const lost = new Set(overridden)
  const stateOf = (document: SourceDocument, source: string, state: DocumentState['state']): DocumentState => {
    const { kind, name, file, index } = document
    return { kind, name, file, document: index, source, state }
  }
  return [
    ...gathered.map(one => {
      const state = lost.has(one)
        ? 'overridden'
        : !notLoaded.has(one.document)
          ? 'loaded'
          : inForce.has(one.key)
            ? 'kept-last-good'
            : 'broken'
      return stateOf(one.document, one.source.name, state)
    }),
    ...loaded.flatMap(one => (seen.has(one.key) ? [] : [stateOf(one.document, one.source, 'kept-last-good')])),
  ]
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
