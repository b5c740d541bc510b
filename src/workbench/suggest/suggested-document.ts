import { quoted } from '../../decision/quoted.js'
import type { Assigned, SubjectAssigner, SuggestedSubject } from './assign-subjects.js'

export type SuggestedKind = 'Grant' | 'Role' | 'ClusterRole' | 'RoleBinding' | 'ClusterRoleBinding' | 'Guardrail'

/** A document before it is written. */
export interface SuggestedDocument {
  readonly kind: SuggestedKind
  readonly server: string
  readonly name: string
  /** "" for what has none. */
  readonly namespace: string
  readonly value: Readonly<Record<string, unknown>>
  /** What a reader has to know, a line each. */
  readonly comments: readonly string[]
  /** Beside an item of a list. */
  readonly notes: readonly SuggestedNote[]
}

export interface SuggestedNote {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** Gives names that no document of the kind has yet. */
export class DocumentNames {
  readonly #taken: Set<string>

  /** @param taken `Kind/namespace/name`, see {@link documentKey} */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken)
  }

  give(kinds: readonly SuggestedKind[], namespace: string, ...parts: readonly string[]): string {
    const base = ['suggested', ...parts.map(slug).filter(part => part !== '')].join('-')
    for (let count = 1; ; count++) {
      const name = count === 1 ? base : `${base}-${count}`
      const keys = kinds.map(kind => documentKey(kind, namespace, name))
      if (keys.some(key => this.#taken.has(key))) continue
      for (const key of keys) this.#taken.add(key)
      return name
    }
  }
}

/** Objects of the cluster have no namespace. */
export function documentKey(kind: string, namespace: string, name: string): string {
  return `${kind}/${kind === 'Role' || kind === 'RoleBinding' ? namespace : ''}/${name}`
}

const longestSlug = 48

export function slug(text: string): string {
  return text
    .slice(0, 256)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, longestSlug)
    .replaceAll(/^-+|-+$/g, '')
}

export function slugOf(subjects: readonly SuggestedSubject[]): string {
  const [first, ...others] = subjects
  return `${slug(first?.name ?? '') || 'someone'}${others.length > 0 ? `-and-${others.length}-more` : ''}`
}

const mostNamed = 5

/** What has to be looked at about the subjects of a rule. */
export function commentsOn({ subjects, ambiguous }: Assigned): readonly string[] {
  const comments = ambiguous.map(
    groups =>
      `Those who did this are all members seen of the groups ${someOf(groups)}; which one is meant? Say so with --group.`,
  )
  const users = subjects.filter(({ kind }) => kind === 'User')
  if (users.some(({ name }) => name === 'system:anonymous'))
    comments.push('This gives to everybody, with no token at all. Is that meant?')
  if (users.length > mostUsers) comments.push(`${users.length} users have no group in common; see --group.`)
  return comments
}

const mostUsers = 20

export function subjectNotes(
  path: readonly (string | number)[],
  { subjects }: Assigned,
  assigner: SubjectAssigner,
): readonly SuggestedNote[] {
  return subjects.flatMap(({ kind, name }, index) =>
    kind === 'Group' ? [{ path: [...path, index], text: `${count(assigner.seen(name), 'member')} seen` }] : [],
  )
}

/** @param givers by whom each part of a rule is given already; undefined: by nobody */
export function givenBy(givers: readonly (string | undefined)[]): readonly string[] {
  const names = [...new Set(givers)]
  const known = names.filter(name => name !== undefined).sort()
  if (known.length === 0) return []
  const more = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : ''
  const all = `${known.slice(0, mostNamed).join(', ')}${more}`
  return [
    names.length === known.length
      ? `All of it is given already, by ${all}.`
      : `Some of it is given already, by ${all}.`,
  ]
}

export function someOf(names: readonly string[]): string {
  const more = names.length - mostNamed
  return `${names.slice(0, mostNamed).map(quoted).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

export function total(uses: ReadonlyMap<number, number>): number {
  let sum = 0
  for (const one of uses.values()) sum += one
  return sum
}
