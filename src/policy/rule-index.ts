import type { Match, MatchedCall } from './match.js'

/** Most memorised answers per Server; beyond it the memory starts afresh, so that invented names cannot fill it. */
const maxMemory = 2048

/** What can be indexed. */
export interface Rule {
  readonly name: string
  readonly match: Match
  /** Names that the rule looks for in the arguments, at any depth. */
  readonly members?: ReadonlySet<string>
}

interface Answer<R> {
  readonly rules: readonly R[]
  members: ReadonlySet<string> | undefined
}

/**
 * Which rules can concern a call, by server, method and target alone. The answer is memorised for tools, so that rules
 * which do not match a call cost nothing on the way of a warm request. Rules keep the order of their names.
 */
export class RuleIndex<R extends Rule> {
  readonly #byServer = new Map<string, { readonly rules: readonly R[]; readonly memory: Map<string, Answer<R>> }>()

  constructor(rules: readonly R[], servers: readonly string[]) {
    const sorted = [...rules].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const server of servers) {
      this.#byServer.set(server, { rules: sorted.filter(rule => rule.match.server(server)), memory: new Map() })
    }
  }

  candidates(matched: MatchedCall): readonly R[] {
    return this.#answer(matched)?.rules ?? []
  }

  /** All rules that can concern calls of a Server. */
  ofServer(name: string): readonly R[] {
    return this.#byServer.get(name)?.rules ?? []
  }

  /** The names that any of the candidates looks for in the arguments; the same set as long as it is memorised. */
  members(matched: MatchedCall): ReadonlySet<string> {
    const answer = this.#answer(matched)
    if (answer === undefined) return none
    answer.members ??= union(answer.rules)
    return answer.members
  }

  #answer(matched: MatchedCall): Answer<R> | undefined {
    const entry = this.#byServer.get(matched.server)
    if (entry === undefined || entry.rules.length === 0) return undefined
    const find = (): Answer<R> => ({
      rules: entry.rules.filter(rule => rule.match.call(matched)),
      members: undefined,
    })
    // All calls of a `json` server look alike to a match; such a server has no tools whose names could be in the way.
    const key = matched.tool ?? (matched.call.protocol === 'json' ? '' : undefined)
    // Methods of extensions name tools too, and a match may be about one method only.
    if (matched.tool !== undefined && matched.call.method !== 'tools/call') return find()
    if (key === undefined) return find()
    const known = entry.memory.get(key)
    if (known !== undefined) return known
    const found = find()
    if (entry.memory.size >= maxMemory) entry.memory.clear()
    entry.memory.set(key, found)
    return found
  }
}

const none: ReadonlySet<string> = new Set()

function union(rules: readonly Rule[]): ReadonlySet<string> {
  const [first, ...others] = rules
  if (first === undefined) return none
  if (others.length === 0) return first.members ?? none
  return new Set(rules.flatMap(rule => [...(rule.members ?? none)]))
}
