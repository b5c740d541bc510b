import { Suggestions } from '../documents/did-you-mean.js'
import type { Match } from './match.js'
import type { Server } from './server.js'

/** What one set of Servers has that names in a match can mean. */
export interface ServerNames {
  readonly servers: readonly Server[]
  /** Methods that they add to those of MCP, without patterns. */
  readonly methods: ReadonlySet<string>
  /** Names of the tools in their catalogues; undefined where one has no catalogue, and so may have any. */
  readonly tools: ReadonlySet<string> | undefined
}

/**
 * Which Servers a match is about, and what these have, for many matches: a Server that is named is found by its name, and
 * what matches that write the same patterns are about is found once. Without it, checking R rules about S Servers takes R times S steps.
 */
export class MatchedServers {
  /** Of what was meant by names that nothing has. */
  readonly suggestions = new Suggestions()
  readonly all: readonly Server[]
  readonly names: ReadonlySet<string>
  readonly #places = new Map<string, number>()
  /** By the patterns that were asked for. */
  readonly #found = new Map<string, readonly Server[]>()
  readonly #names = new WeakMap<readonly Server[], ServerNames>()

  /** @param servers of different names */
  constructor(servers: readonly Server[]) {
    this.all = servers
    this.names = new Set(servers.map(({ name }) => name))
    for (const [place, { name }] of servers.entries()) this.#places.set(name, place)
  }

  byName(name: string): Server | undefined {
    const place = this.#places.get(name)
    return place === undefined ? undefined : this.all[place]
  }

  /** In the order of all Servers. */
  of({ spec, server: matches }: Match): readonly Server[] {
    const patterns = spec.servers
    if (patterns === undefined) return this.all
    const key = JSON.stringify(patterns)
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const found = patterns.some(pattern => pattern.includes('*'))
      ? this.all.filter(({ name }) => matches(name))
      : this.#named(patterns)
    this.#found.set(key, found)
    return found
  }

  #named(names: readonly string[]): readonly Server[] {
    const places = new Set(names.flatMap(name => this.#places.get(name) ?? []))
    return [...places].sort((a, b) => a - b).flatMap(place => this.all[place] ?? [])
  }

  /** Of an answer of {@link of}. */
  namesOf(servers: readonly Server[]): ServerNames {
    const known = this.#names.get(servers)
    if (known !== undefined) return known
    const names = collectNames(servers)
    this.#names.set(servers, names)
    return names
  }
}

function collectNames(servers: readonly Server[]): ServerNames {
  const methods = new Set<string>()
  const tools = new Set<string>()
  let anyTool = false
  for (const server of servers) {
    for (const method of server.methods) if (!method.includes('*')) methods.add(method)
    if (server.catalog === undefined) anyTool = true
    else for (const tool of server.catalog.tools.keys()) tools.add(tool)
  }
  return { servers, methods, tools: anyTool ? undefined : tools }
}
