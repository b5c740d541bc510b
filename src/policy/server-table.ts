import type { Server } from './server.js'

/** Finds the Server of a request. Paths are compared as raw segments, never decoded. */
export interface ServerTable {
  readonly all: readonly Server[]
  byName(name: string): Server | undefined
  /**
   * Exact host, then the longest path that holds the request's path segment by segment. undefined when that path is
   * one of a Server that is not in force: nobody else answers in its place.
   */
  byAddress(authority: string, path: string): Server | undefined
}

/** Where a Server stands. */
export interface ServerAddress {
  /** As {@link Server.host}. */
  readonly host: string
  readonly path: string
}

export interface ClosedAddresses {
  /** Addresses of Servers that are not in force. */
  readonly addresses: readonly ServerAddress[]
  /** Whether there is one whose address nobody knows: it could be below any Server, so none may let it through untold. */
  readonly unknownAddress: boolean
}

/** The context extension by which a gateway's route names the Server; it may be `namespace/name` or the bare name. */
export const serverExtension = 'mcp-server'

export function createServerTable(
  servers: readonly Server[],
  closed: ClosedAddresses = { addresses: [], unknownAddress: false },
): ServerTable {
  const names = new Map<string, Server>()
  const hosts = new Map<string, HostPaths>()
  const add = (host: string, path: string, server: Server | undefined) => {
    const paths = hosts.get(host) ?? new HostPaths()
    paths.add(path, server)
    hosts.set(host, paths)
  }
  for (const server of servers) {
    names.set(server.name, server)
    names.set(`${server.namespace}/${server.name}`, server)
    add(server.host, server.path, server)
    if (server.sse !== undefined) add(server.host, server.sse.messages, server)
  }
  // After the Servers, so that one that is in force at the very address comes first.
  for (const { host, path } of closed.addresses) add(host, path, undefined)
  return {
    all: servers,
    byName: name => names.get(name),
    byAddress(authority, path) {
      const found = hosts.get(normalizeAuthority(authority))?.find(path)
      return closed.unknownAddress && found?.mode === 'Audit' ? undefined : found
    },
  }
}

/** What stands under the paths of one host; however many there are, one look for each segment of a path. */
class HostPaths {
  /** undefined: closed. */
  readonly #servers = new Map<string, Server | undefined>()
  #longest = 0

  /** Of two at the same path the first counts. */
  add(path: string, server: Server | undefined): void {
    if (this.#servers.has(path)) return
    this.#servers.set(path, server)
    this.#longest = Math.max(this.#longest, path.length)
  }

  /** By the longest path that holds this one segment by segment. */
  find(path: string): Server | undefined {
    if (this.#servers.has(path)) return this.#servers.get(path)
    // What is longer than all paths that there are, callers may make as long as they like.
    for (let end = Math.min(path.length - 1, this.#longest); end > 0; end--) {
      if (path[end] !== '/') continue
      const under = path.slice(0, end)
      if (this.#servers.has(under)) return this.#servers.get(under)
    }
    return path.startsWith('/') ? this.#servers.get('/') : undefined
  }
}

/** Lower case without a default port. TLS may end before the gateway, so both defaults count whatever the scheme says. */
export function normalizeAuthority(authority: string): string {
  const lower = authority.toLowerCase()
  if (lower.endsWith(':443')) return lower.slice(0, -4)
  return lower.endsWith(':80') ? lower.slice(0, -3) : lower
}
