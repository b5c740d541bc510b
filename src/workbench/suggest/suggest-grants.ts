import { policyApiVersion } from '../../policy/document-schema.js'
import { compareNames } from '../../rbac/compare-names.js'
import { type Assigned, type SubjectAssigner, subjectsKey } from './assign-subjects.js'
import type { SeenCaller, SeenServer, SeenTarget, Uses } from './observations.js'
import type { ObservedTarget } from './observed-call.js'
import {
  commentsOn,
  count,
  type DocumentNames,
  givenBy,
  type SuggestedDocument,
  type SuggestedNote,
  slugOf,
  subjectNotes,
  total,
} from './suggested-document.js'

/** How callers came. */
interface Way {
  /** `alias:id`; none: without one. */
  readonly agents: readonly string[]
  readonly claimed: boolean
  /** Through somebody whom no rule can name. */
  readonly unnamed: boolean
}

/** What one Grant gives. */
interface Draft {
  readonly way: Way
  readonly assigned: Assigned
  readonly kind: ObservedTarget['kind']
  readonly methods: readonly string[]
  readonly names: readonly string[]
  /** Calls by name, or by method where there are no names. */
  readonly calls: ReadonlyMap<string, number>
  readonly given: readonly Given[]
}

export interface GrantOptions {
  /** Who gives a target to a caller already. Default: nobody. */
  readonly given?: ((caller: SeenCaller, target: SeenTarget) => string | undefined) | undefined
  /** Leaves out what is given already. */
  readonly onlyMissing?: boolean
}

/**
 * The Grants by which what was seen at a Server is given: to whom it was seen, through the agents that were seen, and by hand
 * only to those who did it by hand.
 */
export function suggestGrants(
  server: SeenServer,
  assigner: SubjectAssigner,
  names: DocumentNames,
  options: GrantOptions = {},
): readonly SuggestedDocument[] {
  const drafts = waysTo(server, options).flatMap(({ way, given }) => draftsOf(way, given, assigner))
  return mergeAgents(drafts)
    .map(draft => ({ draft, order: orderOf(draft) }))
    .sort((a, b) => compareNames(a.order, b.order))
    .map(({ draft }) => toDocument(server, draft, assigner, names, options))
}

interface Given {
  readonly target: SeenTarget
  readonly uses: Uses
}

function waysTo(
  { targets, callers }: SeenServer,
  { given, onlyMissing }: GrantOptions,
): readonly { readonly way: Way; readonly given: readonly Given[] }[] {
  const all = [...callers.values()]
  const ways = new Map<string, { way: Way; given: Map<SeenTarget, Uses> }>()
  for (const target of targets.values())
    for (const [index, calls] of target.uses) {
      const caller = all[index]
      if (caller === undefined || (onlyMissing === true && given?.(caller, target) !== undefined)) continue
      const way = wayOf(caller)
      const key = JSON.stringify(way)
      const entry = ways.get(key) ?? { way, given: new Map<SeenTarget, Uses>() }
      ways.set(key, entry)
      const uses = entry.given.get(target) ?? new Map<number, number>()
      entry.given.set(target, uses.set(index, calls))
    }
  return [...ways.values()].map(({ way, given }) => ({
    way,
    given: [...given].map(([target, uses]) => ({ target, uses })),
  }))
}

function wayOf({ agent, throughUnnamed }: SeenCaller): Way {
  if (agent === undefined) return { agents: [], claimed: false, unnamed: throughUnnamed }
  return { agents: [`${agent.issuer}:${agent.id}`], claimed: agent.assurance === 'claimed', unnamed: false }
}

/** One for each set of subjects, and of what it can name in one match. */
function draftsOf(way: Way, given: readonly Given[], assigner: SubjectAssigner): readonly Draft[] {
  const drafts = new Map<string, { assigned: Assigned; kind: ObservedTarget['kind']; method: string; given: Given[] }>()
  for (const one of given) {
    const assigned = assigner.assign(one.uses.keys())
    const { kind, method } = one.target
    const key = JSON.stringify([subjectsKey(assigned.subjects), kind, kind === 'method' ? '' : method])
    const draft = drafts.get(key) ?? { assigned, kind, method, given: [] }
    drafts.set(key, draft)
    draft.given.push(one)
  }
  return [...drafts.values()].map(({ assigned, kind, method, given: all }) => {
    const calls = new Map(
      all.map(({ target, uses }) => [kind === 'method' ? target.method : target.name, total(uses)] as const),
    )
    const keys = [...calls.keys()].sort(compareNames)
    return {
      ...{ way, assigned, kind, calls, given: all },
      methods: kind === 'method' ? keys : [method],
      names: kind === 'method' ? [] : keys,
    }
  })
}

/** The same people, who do the same through several agents, need one Grant. */
function mergeAgents(drafts: readonly Draft[]): readonly Draft[] {
  const merged = new Map<string, Draft>()
  for (const draft of drafts) {
    const { way, assigned, kind, methods, names } = draft
    const named = way.agents.length > 0
    const own = named ? [way.claimed] : [way.unnamed, 'no agent']
    const key = JSON.stringify([own, subjectsKey(assigned.subjects), kind, methods, names])
    const other = merged.get(key)
    merged.set(key, other === undefined ? draft : join(other, draft))
  }
  return [...merged.values()]
}

function join(a: Draft, b: Draft): Draft {
  const calls = new Map([...a.calls].map(([name, sum]) => [name, sum + (b.calls.get(name) ?? 0)]))
  const agents = [...new Set([...a.way.agents, ...b.way.agents])].sort(compareNames)
  return { ...a, calls, way: { ...a.way, agents }, given: [...a.given, ...b.given] }
}

function orderOf({ way, assigned, kind, methods, names }: Draft): string {
  return JSON.stringify([subjectsKey(assigned.subjects), way.agents, way.claimed, way.unnamed, kind, methods, names])
}

const fields = { tool: 'tools', prompt: 'prompts', resource: 'resources' } as const

function toDocument(
  { name: server, callers }: SeenServer,
  draft: Draft,
  assigner: SubjectAssigner,
  documents: DocumentNames,
  options: GrantOptions,
): SuggestedDocument {
  const { way, assigned, kind, methods, names, calls } = draft
  const { agents, claimed, unnamed } = way
  const byHand = agents.length === 0 && !unnamed
  const field = kind === 'method' ? undefined : fields[kind]
  // A Grant about tools is about calls of them.
  const plain = kind === 'tool' && methods.length === 1 && methods[0] === 'tools/call'
  const suffix = [plain ? '' : (field ?? 'methods'), byHand ? 'by-hand' : (agents[0] ?? '')]
  const name = documents.give(['Grant'], '', server, slugOf(assigned.subjects), ...suffix)
  const all = [...callers.values()]
  const givers = draft.given.flatMap(({ target, uses }) =>
    [...uses.keys()].map(index => {
      const caller = all[index]
      return caller && options.given?.(caller, target)
    }),
  )
  const notes: SuggestedNote[] = (kind === 'method' ? methods : names).map((one, index) => ({
    path: ['spec', 'match', field ?? 'methods', index],
    text: count(calls.get(one) ?? 0, 'call'),
  }))
  return {
    ...{ kind: 'Grant', server, name, namespace: '' },
    value: {
      ...{ apiVersion: policyApiVersion, kind: 'Grant', metadata: { name } },
      spec: {
        match: {
          servers: [server],
          ...(!plain && { methods }),
          ...(field !== undefined && { [field]: names }),
          subjects: assigned.subjects,
          ...(agents.length > 0 && { agents: agents.map(agent => ({ kind: 'Agent', name: agent })) }),
        },
        ...(claimed && { allowClaimed: true }),
        ...(byHand && { matchConditions: [{ name: 'by-hand', expression: '!principal.throughAgent' }] }),
      },
    },
    comments: [...givenBy(givers), ...commentsOn(assigned), ...commentsOnWay(draft)],
    notes: [...notes, ...subjectNotes(['spec', 'match', 'subjects'], assigned, assigner)],
  }
}

function commentsOnWay({ way: { agents, claimed, unnamed }, kind }: Draft): readonly string[] {
  const comments: string[] = []
  if (claimed)
    comments.push(
      `Nobody vouches for ${agents.length === 1 ? 'this agent' : 'these agents'}: any client can use the name.`,
    )
  if (unnamed) comments.push('They came through software that is not named, so that this gives through any.')
  if (kind === 'method') comments.push('Nobody here knows what these methods do.')
  return comments
}
