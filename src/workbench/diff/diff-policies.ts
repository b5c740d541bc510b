import { setImmediate } from 'node:timers/promises'
import type { SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import { type ChangedDocuments, changedDocuments } from './changed-documents.js'
import { type DiffGroup, groupsOf } from './diff-groups.js'
import { compareSides, createSide, type SideDifference } from './judge-side.js'
import { asksClusters, withPermissions } from './permissions.js'
import { createRandom } from './random.js'
import { type JudgedPair, TargetSearch } from './search.js'
import { isGenerated, rulesAbout, type Target, targetsOf } from './target.js'
import { vocabularyOf } from './vocabulary.js'

/** Compiled policies and all documents that they were made of, catalogues included. */
export interface ComparedSet {
  readonly snapshot: PolicySnapshot
  readonly documents: readonly SourceDocument[]
}

export interface DiffOptions {
  readonly old: ComparedSet
  readonly candidate: ComparedSet
  /** Calls that are judged by both sets at most. Default 50,000. */
  readonly calls?: number
  /** Milliseconds that the search takes at most, and a quarter more to make examples small. Default 20,000. */
  readonly timeMs?: number
  /** The same seed makes the same calls, where the time does not end the search. Default 1. */
  readonly seed?: number
  /** Ends the search at the first difference. Default false. */
  readonly first?: boolean
  onProgress?(calls: number, of: number, differences: number): void
  readonly signal?: AbortSignal
}

export interface PolicyDiff {
  readonly documents: Pick<ChangedDocuments, 'added' | 'removed' | 'changed' | 'renamed'>
  /** Of the calls that were judged. */
  readonly totals: Readonly<Record<SideDifference, number>>
  /** What gives more first. */
  readonly groups: readonly DiffGroup[]
  /** What the calls are about: tools and the like of Servers. */
  readonly targets: number
  readonly judged: number
  /**
   * nothing: no document that could be about a call says something else, so none was judged. all: every pair of values was tried. calls, time: what
   * ended the search before.
   */
  readonly ended: 'nothing' | 'all' | 'calls' | 'time' | 'first'
  /** Whether there was time to make every example as small as can be. */
  readonly shrunk: boolean
  /** What a search over calls cannot see, in words. */
  readonly notCompared: readonly string[]
}

/**
 * Calls judged in turn: of a target that a changed document could be about; of one where that looks at nothing but who asks; of
 * one of which only pairs are left; and of one that no such document could be about.
 */
const chunks = { concerned: 48, who: 6, settled: 4, other: 1 } as const
/** Differences kept for each target; what comes after them only counts in the totals. */
const mostFound = 4000

/** Looks for calls that two sets of policies judge differently. */
export async function diffPolicies(options: DiffOptions): Promise<PolicyDiff> {
  const { old, candidate, calls = 50_000, timeMs = 20_000, seed = 1, first = false, signal, onProgress } = options
  const changes = changedDocuments(old.documents, candidate.documents)
  const totals = { same: 0, tightened: 0, weakened: 0, changed: 0 }
  const documents = {
    ...{ added: changes.added, removed: changes.removed, changed: changes.changed, renamed: changes.renamed },
  }
  const notCompared = outOfSight(options, changes)
  if (changes.names.size === 0)
    return { documents, totals, groups: [], targets: 0, judged: 0, ended: 'nothing', shrunk: true, notCompared }

  const inFiles = [...old.documents, ...candidate.documents].some(({ kind }) => rbacKinds.has(kind))
  const snapshots = [withPermissions(old.snapshot, inFiles), withPermissions(candidate.snapshot, inFiles)] as const
  const [before, after] = snapshots
  const context = { snapshots, vocabulary: vocabularyOf(changes.inOrder), changed: changes.names }
  const targets = targetsOf(context)
  if (!targets.some(one => one.concerned))
    return { documents, totals, groups: [], targets: 0, judged: 0, ended: 'nothing', shrunk: true, notCompared }
  const headers = headersOf(snapshots)
  const oldNames = new Map(changes.renamed.map(({ from, to }) => [to, from]))
  const judges = [
    createSide({ snapshot: before, others: [after], headers, nameOf: policy => policy }),
    createSide({ snapshot: after, others: [before], headers, nameOf: policy => oldNames.get(policy) ?? policy }),
  ] as const
  const random = createRandom(seed)
  const searches = targets.map(target => new TargetSearch(target, judges, random))
  const found = new Map<TargetSearch, JudgedPair[]>()
  const deadline = performance.now() + timeMs
  let judged = 0
  let differences = 0
  let ended: PolicyDiff['ended'] = 'all'
  const turn = async () => {
    await setImmediate()
    if (signal?.aborted === true) throw new Error(`stopped after ${judged} calls`)
  }
  const active = new Set(searches)
  search: while (active.size > 0)
    for (const one of active) {
      for (let left = chunkOf(one); left > 0; left--) {
        const pair = await one.next()
        if (pair === undefined) {
          active.delete(one)
          break
        }
        judged++
        const result = compareSides(pair.before, pair.after)
        totals[result]++
        if (result !== 'same') {
          differences++
          const known = found.get(one) ?? []
          if (known.length < mostFound) known.push(pair)
          found.set(one, known)
        }
        if (first && differences > 0) ended = 'first'
        else if (judged >= calls) ended = 'calls'
        if (ended !== 'all') break search
      }
      onProgress?.(judged, calls, differences)
      await turn()
      if (performance.now() > deadline) {
        ended = 'time'
        break search
      }
    }
  const concerning = (target: Target) =>
    snapshots
      .flatMap(snapshot => rulesAbout(snapshot, target.server, target.kind, target.name))
      .filter(name => changes.names.has(name))
  const shrinkUntil = Math.max(deadline, performance.now() + timeMs / 4)
  let shrunk = true
  const mayShrink = async () => {
    await turn()
    shrunk &&= performance.now() < shrinkUntil
    return shrunk
  }
  const groups: DiffGroup[] = []
  for (const [one, pairs] of found)
    groups.push(...(await groupsOf(one, pairs, { snapshots, changed: changes.names, concerning, mayShrink })))
  const sorted = groups.sort(
    (a, b) => order.indexOf(a.result) - order.indexOf(b.result) || b.calls - a.calls || compare(keyOf(a), keyOf(b)),
  )
  return { documents, totals, groups: sorted, targets: targets.length, judged, ended, shrunk, notCompared }
}

function chunkOf({ target, settled }: TargetSearch): number {
  if (!target.concerned) return chunks.other
  if (settled) return chunks.settled
  return target.turns ? chunks.concerned : chunks.who
}

const order = ['weakened', 'tightened', 'changed']

function keyOf({ server, what, who, before, after }: DiffGroup): string {
  return [server, what, who, before, after].join('\0')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const rbacKinds: ReadonlySet<string> = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'List'])

function headersOf(snapshots: readonly PolicySnapshot[]): ReadonlySet<string> {
  const names = snapshots.flatMap(({ servers, enrichments }) =>
    servers.all.flatMap(({ name }) => enrichments.ofServer(name).flatMap(({ headerNames }) => headerNames)),
  )
  return new Set(names)
}

/** Fields of a Server that say something about connections, credentials and answers, and not about calls. */
const unseenFields = ['resource', 'audiences', 'identity', 'upstream', 'lists', 'batches', 'denial', 'toolPrefix']

function outOfSight({ old, candidate }: DiffOptions, changes: ChangedDocuments): readonly string[] {
  const said: string[] = []
  const changed = [...changes.old, ...changes.new]
  const named = (of: (document: SourceDocument) => boolean) =>
    [...new Set(changed.filter(of).map(({ kind, name }) => (name === '' ? kind : `${kind}/${name}`)))].sort().join(', ')
  const identity = named(({ kind }) => kind === 'Identity' || kind === 'AuthenticationConfiguration')
  if (identity !== '') said.push(`who callers are (${identity}): they are taken as already verified`)
  const results = named(({ kind, value }) => kind === 'Guardrail' && valueAt(value, ['spec', 'on']) === 'response')
  if (results !== '') said.push(`what comes back (${results}): calls are judged, results are not`)
  for (const document of changes.new.filter(({ kind }) => kind === 'Server')) {
    const before = changes.old.find(({ kind, name }) => kind === 'Server' && name === document.name)
    if (before === undefined) continue
    const fields = unseenFields.filter(
      field =>
        JSON.stringify(valueAt(before.value, ['spec', field])) !==
        JSON.stringify(valueAt(document.value, ['spec', field])),
    )
    if (fields.length > 0) said.push(`${fields.join(', ')} of Server/${document.name}: not part of a call`)
  }
  const methods = named(({ value }) => {
    const about = valueAt(value, ['spec', 'match', 'methods'])
    return Array.isArray(about) && about.every(name => typeof name === 'string' && !isGenerated(name))
  })
  if (methods !== '') said.push(`methods of which no calls are made up (${methods})`)
  const rbac = [...old.documents, ...candidate.documents].some(({ kind }) => rbacKinds.has(kind))
  if (!rbac || asksClusters(old.snapshot) || asksClusters(candidate.snapshot))
    said.push('permissions of clusters: no API server is asked, and what it would be asked counts as given')
  return said
}
