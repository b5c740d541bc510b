import type { Match, MatchedCall } from './match.js'

/** Most memorised answers per Server; beyond it the memory starts afresh, so that invented names cannot fill it. */
const maxMemory = 2048

/**
 * Which rules can concern a call, by server, method and target alone. The answer is memorised for tools, so that rules
 * which do not match a call cost nothing on the way of a warm request. Rules keep the order of their names.
 */
export class RuleIndex<Rule extends { readonly name: string; readonly match: Match }> {
  readonly #byServer = new Map<
    string,
    { readonly rules: readonly Rule[]; readonly memory: Map<string, readonly Rule[]> }
  >()

  constructor(rules: readonly Rule[], servers: readonly string[]) {
    const sorted = [...rules].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const server of servers) {
      this.#byServer.set(server, { rules: sorted.filter(rule => rule.match.server(server)), memory: new Map() })
    }
  }

  candidates(matched: MatchedCall): readonly Rule[] {
    const entry = this.#byServer.get(matched.server)
    if (entry === undefined || entry.rules.length === 0) return []
    const filter = () => entry.rules.filter(rule => rule.match.call(matched))
    if (matched.tool === undefined) return filter()
    const known = entry.memory.get(matched.tool)
    if (known !== undefined) return known
    const found = filter()
    if (entry.memory.size >= maxMemory) entry.memory.clear()
    entry.memory.set(matched.tool, found)
    return found
  }
}
