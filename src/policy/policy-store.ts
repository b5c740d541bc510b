import { createHash } from 'node:crypto'
import { append } from '../documents/append.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { atOnce, forEachSliced, type Sliced } from '../sliced.js'
import { type AssembleContext, type AssembleInput, assembleInSlices, type LoadedDocument } from './assemble-snapshot.js'
import { restrictingKinds } from './broken-document.js'
import type { Compilation } from './compilation.js'
import { type CompiledDocument, type CompileOptions, compileDocument } from './compile-document.js'
import { DocumentCache } from './document-cache.js'
import { type DocumentState, statesOf } from './document-state.js'
import { type Gathered, type GatheredDocument, gatherInSlices, keyOf } from './gather-documents.js'
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

/** What a source held at some time, and the fingerprint that it had before it was read: a change in between is seen by the next look. */
interface Look {
  readonly fingerprint: string
  readonly contents: SourceContents
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
  /** What is loaded of each source. */
  readonly #contents = new Map<PolicySource, Look>()
  /** What came to rest of sources that are not atomic, and is about to be loaded. */
  readonly #rested = new Map<PolicySource, Look>()
  /** Counts loads, so that one in slices sees that another one has overtaken it. */
  #loads = 0
  /** What the last look at sources that are not atomic saw, while it differs from what is loaded. */
  #unsettled: { readonly fingerprint: string; readonly looks: number } | undefined
  #current: PolicySnapshot | undefined
  /** What it was made of. */
  #input: AssembleInput | undefined
  #report: LoadReport | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: PolicyStoreOptions) {
    this.#options = options
    this.#schedule = createLoadSchedule(() => this.#loadChanged())
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
    if (this.#isDue) this.#schedule.request()
    const watched = sources.filter(source => source.atomic !== true)
    const prints = watched.map(source => ({ source, fingerprint: source.fingerprint() }))
    if (prints.every(({ source, fingerprint }) => this.#lookOf(source)?.fingerprint === fingerprint)) {
      this.#unsettled = undefined
      return
    }
    const fingerprint = prints.map(print => `${print.source.name}\0${print.fingerprint}`).join('\0\0')
    const looks = (this.#unsettled?.looks ?? 0) + 1
    const settled = this.#unsettled?.fingerprint === fingerprint || looks >= maxUnsettledLooks
    this.#unsettled = { fingerprint, looks }
    if (!settled) return
    const rested = watched.map(source => [source, lookAt(source)] as const)
    for (const [source, look] of rested) this.#rested.set(source, look)
    this.#unsettled = undefined
    this.#schedule.request()
  }

  /** Whether there is something to load in atomic sources. */
  get #isDue(): boolean {
    return this.#handOvers.due || this.#options.sources.some(source => source.atomic === true && this.#differs(source))
  }

  #lookOf(source: PolicySource): Look | undefined {
    return this.#rested.get(source) ?? this.#contents.get(source)
  }

  #differs(source: PolicySource): boolean {
    return source.fingerprint() !== this.#contents.get(source)?.fingerprint
  }

  *#loadChanged(): Sliced<void> {
    try {
      const looks = this.#looks()
      if (looks === undefined) return
      const work = this.#loadLooks(looks)
      const loads = ++this.#loads
      // What another load has put in force since is at least as new.
      while (this.#loads === loads && work.next().done !== true) yield
    } catch (error) {
      this.#rested.clear()
      this.#options.onError?.(error)
    }
  }

  /** What there is to load. Sources that are not atomic stay as they are loaded: a file that is being written must not come along. */
  #looks(): ReadonlyMap<PolicySource, Look> | undefined {
    const { sources } = this.#options
    const isFirst = sources.some(source => !this.#contents.has(source))
    if (!isFirst && this.#rested.size === 0 && !this.#isDue) return undefined
    const looks = new Map(this.#rested)
    for (const source of sources) if (isFirst || source.atomic === true) looks.set(source, lookAt(source))
    return looks
  }

  /** Reads and compiles everything now. Unchanged documents are not compiled again. */
  load(): LoadReport {
    this.#loads++
    this.#rested.clear()
    const report = atOnce(this.#loadLooks(new Map(this.#options.sources.map(source => [source, lookAt(source)]))))
    this.#unsettled = undefined
    return report
  }

  *#loadLooks(looks: ReadonlyMap<PolicySource, Look>): Sliced<LoadReport> {
    for (const { contents } of looks.values())
      for (const file of contents.files) {
        const { documents } = yield* this.#documents.readInSlices(file)
        for (const document of documents) {
          if (this.#knownAs({ key: keyOf(document), document }) !== undefined) continue
          this.#compileOnce(document)
          yield
        }
      }
    const report = yield* this.#load(
      source => (looks.get(source) ?? this.#contents.get(source))?.contents ?? { files: [], findings: [], lost: true },
    )
    // Known only if all went well.
    for (const [source, look] of looks) {
      this.#contents.set(source, look)
      if (this.#rested.get(source) === look) this.#rested.delete(source)
    }
    this.#options.onLoaded?.(report)
    return report
  }

  /** Nothing that is in force changes before the last slice. */
  *#load(contents: (source: PolicySource) => SourceContents): Sliced<LoadReport> {
    const { sources, assemble, brokenPolicies = 'refuse' } = this.#options
    this.#handOvers.begin()
    const gathered = yield* gatherInSlices(sources, {
      contents,
      documents: file => this.#documents.read(file),
      handOver: (key, candidates) => this.#handOvers.settle(key, candidates, one => this.#knownAs(one) !== undefined),
    })
    this.#handOvers.end()
    this.#documents.turn()
    const findings = [...gathered.findings]
    const compiled: (Compiled & { readonly one: GatheredDocument })[] = []
    yield* forEachSliced(gathered.documents, one => compiled.push({ one, ...this.#compile(one) }))
    for (const { findings: found } of compiled) append(found, findings)
    const bad = [
      ...gathered.conflicts,
      ...gathered.refused,
      ...compiled.flatMap(({ one, broken }) => (broken ? [one] : [])),
    ]
    const kept = keepLastGood(this.#lastGood, gathered, new Set(bad.map(one => one.document.file)))
    append(kept.findings, findings)
    const loaded = [
      ...compiled.flatMap(({ one, loaded: good }) => (good !== undefined && !kept.byKey.has(one.key) ? [good] : [])),
      ...kept.byKey.values(),
    ]
    const byKey = new Map(loaded.map(one => [one.key, one]))
    yield
    const covered = coveredOf(bad, byKey, kept.byKey)
    const unreadable = this.#findUnreadable(gathered)
    const input = {
      loaded,
      broken: bad.map(one => ({ document: one.document, kinds: one.source.kinds, covered: covered.has(one) })),
      unreadable,
    }
    yield
    const assembled = yield* assembleInSlices(input, assemble, this.#current)
    const broken = new Set(bad.map(one => one.document))
    append(assembled.findings, findings)
    for (const key of assembled.brokenKeys) {
      const document = byKey.get(key)?.document
      if (document !== undefined) broken.add(document)
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
    const names = [...broken].map(document => `${document.kind}/${document.name}`)
    this.#report = {
      revision: assembled.snapshot.revision,
      inForce,
      documents: loaded.length,
      findings,
      broken: [...new Set([...names, ...gathered.brokenFiles])],
      states: statesOf(gathered, byKey, broken),
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

  #compile({ key, document, source }: GatheredDocument): Compiled {
    const same = this.#knownAs({ key, document })
    if (same !== undefined) return { loaded: same, findings: same.warnings, broken: false }
    const { value, findings } = this.#compileOnce(document)
    if (value !== undefined) {
      const { name, trust } = source
      const loaded = {
        key,
        document,
        digest: digestOf(document),
        source: name,
        trust,
        compiled: value,
        warnings: findings,
      }
      return { loaded, findings, broken: false }
    }
    return { loaded: this.#lastGood.get(key), findings, broken: true }
  }

  /** The document in force, if it is this one, word for word, in the same place. */
  #knownAs({ key, document }: Pick<GatheredDocument, 'key' | 'document'>): LoadedDocument | undefined {
    const known = this.#lastGood.get(key)
    if (known?.document.file !== document.file || known.document.index !== document.index) return undefined
    return known.document === document || known.digest === digestOf(document) ? known : undefined
  }
}

interface Compiled {
  readonly loaded: LoadedDocument | undefined
  readonly findings: readonly Finding[]
  readonly broken: boolean
}

function lookAt(source: PolicySource): Look {
  const fingerprint = source.fingerprint()
  return { fingerprint, contents: source.read() }
}

function digestOf({ text }: SourceDocument): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Those of the broken documents in whose place a version is in force: under their key, or under the kind that they had before.
 */
function coveredOf(
  broken: readonly GatheredDocument[],
  inForce: ReadonlyMap<string, LoadedDocument>,
  kept: ReadonlyMap<string, LoadedDocument>,
): ReadonlySet<GatheredDocument> {
  const placeOf = ({ file, name }: SourceDocument) => `${file}\0${name}`
  const restricting = [...kept.values()].filter(({ document }) => restrictingKinds.has(document.kind))
  const places = new Set(restricting.map(({ document }) => placeOf(document)))
  return new Set(broken.filter(({ key, document }) => inForce.has(key) || places.has(placeOf(document))))
}
