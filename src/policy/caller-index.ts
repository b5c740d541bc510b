import { append } from '../documents/append.js'
import type { Principal } from '../identity/principal.js'
import type { MatchSpec } from './match.js'
import { PatternIndex } from './pattern-index.js'

/**
 * Which of many matches can be about a caller, as user or as agent: each is kept under its subjects, or where it has none under
 * its agents.
 */
export class CallerIndex {
  readonly #users = new PatternIndex()
  readonly #groups = new PatternIndex()
  readonly #agents = new PatternIndex()
  readonly #workloads = new PatternIndex()
  readonly #anybody: number[] = []

  add({ subjects, agents }: MatchSpec, id: number): void {
    if (subjects !== undefined) for (const subject of subjects) this.#addSubject(subject, id)
    else if (agents !== undefined)
      for (const { kind, name } of agents) (kind === 'Agent' ? this.#agents : this.#workloads).add(name, id)
    else this.#anybody.push(id)
  }

  /** The ids of those that can be about the caller, in order and each once; some that are not as well. */
  of({ user, agentUser, agent, workload }: Principal): readonly number[] {
    const found: number[] = []
    append(this.#anybody, found)
    this.#users.collect(user.username, found)
    for (const group of user.groups) this.#groups.collect(group, found)
    // Rules about the agent may name it as the subject that it is for RBAC.
    if (agentUser !== undefined) {
      this.#users.collect(agentUser.username, found)
      for (const group of agentUser.groups) this.#groups.collect(group, found)
    }
    if (agent.id !== '') this.#agents.collect(`${agent.issuer}:${agent.id}`, found)
    if (workload !== '') this.#workloads.collect(workload, found)
    return inOrder(found)
  }

  #addSubject(subject: NonNullable<MatchSpec['subjects']>[number], id: number): void {
    switch (subject.kind) {
      case 'User':
        this.#users.add(subject.name, id)
        break
      case 'Group':
        this.#groups.add(subject.name, id)
        break
      case 'ServiceAccount':
        this.#users.add(`system:serviceaccount:${subject.namespace}:${subject.name}`, id)
        break
    }
  }
}

/** Sorted, each once. Changes what it is given. */
export function inOrder(ids: number[]): readonly number[] {
  if (ids.length < 2) return ids
  ids.sort((a, b) => a - b)
  let kept = 0
  for (const id of ids) if (kept === 0 || id !== ids[kept - 1]) ids[kept++] = id
  ids.length = kept
  return ids
}
