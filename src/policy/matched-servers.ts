import { Suggestions } from '../documents/did-you-mean.js'
import type { Match } from './match.js'
import type { Server } from './server.js'

/** What one set of Servers has that names in a match can mean. Collected when it is asked for. */
export class ServerNames {
  readonly servers: readonly Server[]
  readonly #onCollected: (count: number) => void
  #methods: ReadonlySet<string> | undefined
  /** none: one has no catalogue. */
  #tools: ReadonlySet<string> | 'none' | undefined

  /** @param onCollected told how many names are kept here from now on */
  constructor(servers: readonly Server[], onCollected: (count: number) => void) {
    this.servers = servers
    this.#onCollected = onCollected
  }

  /** Methods that they add to those of MCP, without patterns. */
  get methods(): ReadonlySet<string> {
    this.#methods ??= this.#collected(new Set(this.servers.flatMap(({ methods }) => [...methods].filter(isPlain))))
    return this.#methods
  }

  /** Names of the tools in their catalogues; undefined where one has no catalogue, and so may have any. */
  get tools(): ReadonlySet<string> | undefined {
    this.#tools ??= this.#collectTools()
    return this.#tools === 'none' ? undefined : this.#tools
  }

  #collectTools(): ReadonlySet<string> | 'none' {
    if (this.servers.some(({ catalog }) => catalog === undefined)) return 'none'
    const tools = new Set<string>()
    for (const { catalog } of this.servers) for (const tool of catalog?.tools.keys() ?? []) tools.add(tool)
    return this.#collected(tools)
  }

  #collected(names: ReadonlySet<string>): ReadonlySet<string> {
    this.#onCollected(names.size)
    return names
  }
}

const isPlain = (method: string): boolean => !method.includes('*')

/** Servers and names that are kept at most, some tens of megabytes: every rule may have patterns of its own that match all Servers. */
const maxKept = 500_000

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
  #names = new WeakMap<readonly Server[], ServerNames>()
  #kept = 0

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
    this.#keep(found.length)
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
    const names = new ServerNames(servers, count => this.#keep(count))
    this.#names.set(servers, names)
    return names
  }

  #keep(count: number): void {
    this.#kept += count
    if (this.#kept <= maxKept) return
    this.#found.clear()
    this.#names = new WeakMap()
    this.#kept = 0
  }
}
