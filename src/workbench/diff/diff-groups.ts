import type { PolicySnapshot } from '../../policy/snapshot.js'
import { type DiffExample, exampleOf } from './diff-example.js'
import { compareSides, describeSide, type SideDifference, type SideOutcome } from './judge-side.js'
import { type JudgedPair, signatureOf, type TargetSearch } from './search.js'
import { makeCall, type Target } from './target.js'

/** Calls that come out in the same other way, by the same kind of caller. */
export interface DiffGroup {
  readonly result: Exclude<SideDifference, 'same'>
  readonly server: string
  /** The tool, prompt or resource, else the method. */
  readonly what: string
  /** What of the caller it takes: `anyone`, `Group dev, agent acme:bot`. */
  readonly who: string
  readonly before: string
  readonly after: string
  /** The policies that make the difference, or could: as `Kind/name`. */
  readonly policies: readonly string[]
  /** How many of the calls that were judged. */
  readonly calls: number
  readonly example: DiffExample
}

/** Kinds of callers told apart where the same comes out otherwise; what comes after them counts for the first. */
const mostClasses = 12

export interface GroupContext {
  readonly snapshots: readonly PolicySnapshot[]
  /** `Kind/name` of documents that changed. */
  readonly changed: ReadonlySet<string>
  /** Of those, which are about a target. */
  concerning(target: Target): readonly string[]
  /** Asked before an example is made smaller; false: there is no time for it. Lets others have a turn, and may reject. */
  mayShrink(): Promise<boolean>
}

/** Puts the differences of one target into groups, each with the smallest call found while there is time. */
export async function groupsOf(
  search: TargetSearch,
  found: readonly JudgedPair[],
  context: GroupContext,
): Promise<readonly DiffGroup[]> {
  const bySignature = new Map<string, JudgedPair[]>()
  for (const pair of found) {
    const signature = signatureOf(pair)
    const known = bySignature.get(signature)
    if (known === undefined) bySignature.set(signature, [pair])
    else known.push(pair)
  }
  const groups: DiffGroup[] = []
  for (const pairs of bySignature.values()) groups.push(...(await classesOf(search, pairs, context)))
  return groups
}

interface Class {
  readonly smallest: JudgedPair
  calls: number
}

async function classesOf(
  search: TargetSearch,
  pairs: readonly JudgedPair[],
  context: GroupContext,
): Promise<readonly DiffGroup[]> {
  const { target } = search
  const classes: Class[] = []
  for (const pair of pairs) {
    const known = classes.find(({ smallest }) => holds(target, smallest, pair))
    if (known !== undefined) known.calls++
    else if (classes.length >= mostClasses && classes[0] !== undefined) classes[0].calls++
    else {
      const smallest = (await context.mayShrink()) ? await search.shrink(pair) : pair
      const same = classes.find(one => whoOf(target, one.smallest) === whoOf(target, smallest))
      if (same === undefined) classes.push({ smallest, calls: 1 })
      else same.calls++
    }
  }
  return classes.map(({ smallest, calls }) => describe(target, smallest, calls, context))
}

/** Whether all that it takes of a caller is there. */
function holds({ dimensions }: Target, { vector: wanted }: JudgedPair, { vector }: JudgedPair): boolean {
  return dimensions.every(({ who }, index) => !who || wanted[index] === 0 || wanted[index] === vector[index])
}

function whoOf({ dimensions }: Target, { vector }: JudgedPair): string {
  const labels = dimensions.flatMap(({ who, choices }, index) =>
    who ? (choices[vector[index] ?? 0]?.label ?? '') : [],
  )
  const told = [...new Set(labels)].filter(label => label !== '').sort()
  return told.length === 0 ? 'anyone' : told.join(', ')
}

function describe(target: Target, pair: JudgedPair, calls: number, context: GroupContext): DiffGroup {
  const { before, after, vector } = pair
  const result = compareSides(before, after)
  if (result === 'same') throw new Error('a difference came out the same')
  const server = context.snapshots.map(one => one.servers.byName(target.server)).find(one => one !== undefined)
  if (server === undefined) throw new Error(`no set of policies has the Server "${target.server}"`)
  const example = exampleOf(target, makeCall(target, vector), server)
  return {
    result,
    server: target.server,
    what: example.name === '' ? example.method : example.name,
    who: whoOf(target, pair),
    before: describeSide(before, after),
    after: describeSide(after, before),
    policies: responsible(before, after, target, context),
    calls,
    example,
  }
}

/** Policies that one side names and the other one does not; where no rule is named, what changed of the kind that decides. */
function responsible(
  before: SideOutcome,
  after: SideOutcome,
  target: Target,
  { changed, concerning }: GroupContext,
): readonly string[] {
  const noted = before.decision === after.decision
  const [one, other] = [namedBy(before, noted), namedBy(after, noted)]
  const apart = [...one.filter(name => !other.includes(name)), ...other.filter(name => !one.includes(name))]
  if (apart.length > 0) return apart.sort()
  const reasons = [before.reason, after.reason]
  const about = concerning(target)
  const kinds = reasons.some(reason => reason === 'authorization.grant' || reason === 'authorization.scope')
    ? /^(?:Grant|Server)\//
    : reasons.some(reason => reason.startsWith('authorization.') || reason.startsWith('message.'))
      ? /^(?:Role|ClusterRole|RoleBinding|ClusterRoleBinding|List|ToolCatalog|Server)(?:\/|$)/
      : /./
  const likely = [...about, ...[...changed].filter(name => !isRule(name))].filter(name => kinds.test(name))
  return [...new Set(likely.length > 0 ? likely : about)].sort()
}

function isRule(name: string): boolean {
  return /^(?:Guardrail|Grant|Enrichment)\//.test(name)
}

function namedBy({ policies, notes }: SideOutcome, noted: boolean): readonly string[] {
  if (!noted) return policies
  return [...policies, ...notes.flatMap(note => /^(?:would deny|warns): (\w+\/.+)$/.exec(note)?.[1] ?? [])]
}
