import { compareNames } from '../../rbac/compare-names.js'
import type { SeenCaller, SeenServer } from './observations.js'

/** One subject of a rule, as Grants and bindings write it. */
export interface SuggestedSubject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount'
  readonly name: string
  /** Of a ServiceAccount. */
  readonly namespace?: string
}

export interface Assigned {
  /** Groups first; by name. */
  readonly subjects: readonly SuggestedSubject[]
  /** Lists of groups that had the same members, so that nobody can tell which of them it is about. */
  readonly ambiguous: readonly (readonly string[])[]
}

export interface SubjectChoice {
  /** Groups that rules shall name wherever a member of them is seen. Undefined: those whose members all behave alike. */
  readonly named?: (group: string) => boolean
  /** Of several groups with the same members, those that policies name already are meant. */
  readonly known?: ReadonlySet<string>
}

/** Members of a group that have to be seen alike before the group is taken for what they have in common. */
const fewestMembers = 2

/**
 * Whom to name for something that these callers did: a group that every member seen belongs to those who did it, else
 * the users themselves. One user of a group says nothing of the group, and neither does a group that has the same members as
 * another one: giving to the wrong one of them would be giving to people who were never seen.
 */
export class SubjectAssigner {
  readonly #callers: readonly SeenCaller[]
  readonly #members = new Map<string, number[]>()
  readonly #choice: SubjectChoice

  constructor({ callers }: Pick<SeenServer, 'callers'>, choice: SubjectChoice = {}) {
    this.#callers = [...callers.values()]
    this.#choice = choice
    for (const { groups, index } of this.#callers)
      for (const group of groups) {
        if (!this.#isCandidate(group)) continue
        const members = this.#members.get(group) ?? []
        members.push(index)
        this.#members.set(group, members)
      }
  }

  /** How many people of a group were seen. */
  seen(group: string): number {
    return this.#people(this.#members.get(group) ?? []).size
  }

  /** @param uses indexes of the callers who did it */
  assign(uses: Iterable<number>): Assigned {
    const left = new Set(uses)
    const subjects: SuggestedSubject[] = []
    const { chosen, ambiguous } = this.#groupsFor(left)
    while (left.size > 0) {
      let best: string | undefined
      let most = 0
      for (const group of chosen) {
        const covers = (this.#members.get(group) ?? []).filter(index => left.has(index)).length
        if (covers > most) [best, most] = [group, covers]
      }
      if (best === undefined) break
      for (const index of this.#members.get(best) ?? []) left.delete(index)
      subjects.push({ kind: 'Group', name: best })
    }
    const users = [...this.#people(left)].sort(compareNames).map(userSubject)
    subjects.sort((a, b) => compareNames(a.name, b.name))
    return { subjects: [...subjects, ...users], ambiguous: left.size > 0 ? ambiguous : [] }
  }

  #isCandidate(group: string): boolean {
    return !group.startsWith('system:') && (this.#choice.named?.(group) ?? true)
  }

  /** Candidates in the order of their names. */
  #groupsFor(uses: ReadonlySet<number>): { chosen: readonly string[]; ambiguous: readonly (readonly string[])[] } {
    const candidates = new Set<string>()
    for (const index of uses)
      for (const group of this.#callers[index]?.groups ?? []) if (this.#members.has(group)) candidates.add(group)
    const sorted = [...candidates].sort(compareNames)
    if (this.#choice.named !== undefined) return { chosen: sorted, ambiguous: [] }
    const alike = new Map<string, string[]>()
    for (const group of sorted) {
      const members = this.#members.get(group) ?? []
      if (!members.every(index => uses.has(index)) || this.#people(members).size < fewestMembers) continue
      const key = members.join(' ')
      alike.set(key, [...(alike.get(key) ?? []), group])
    }
    const chosen: string[] = []
    const ambiguous: string[][] = []
    for (const groups of alike.values()) {
      const known = groups.filter(group => this.#choice.known?.has(group) === true)
      const [only, ...others] = known.length > 0 ? known : groups
      if (only !== undefined && others.length === 0) chosen.push(only)
      else ambiguous.push(groups)
    }
    return { chosen: chosen.sort(compareNames), ambiguous }
  }

  #people(indexes: Iterable<number>): Set<string> {
    const people = new Set<string>()
    for (const index of indexes) {
      const caller = this.#callers[index]
      if (caller !== undefined) people.add(caller.user)
    }
    return people
  }
}

const serviceAccount = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/

export function userSubject(user: string): SuggestedSubject {
  const [, namespace, name] = serviceAccount.exec(user) ?? []
  if (namespace === undefined || name === undefined) return { kind: 'User', name: user }
  return { kind: 'ServiceAccount', name, namespace }
}

/** The same for the same subjects. */
export function subjectsKey(subjects: readonly SuggestedSubject[]): string {
  return JSON.stringify(subjects.map(({ kind, name, namespace = '' }) => [kind, namespace, name]))
}
