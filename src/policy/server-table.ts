import type { Server } from './server.js'

/** Finds the Server of a request. Paths are compared as raw segments, never decoded. */
export interface ServerTable {
  readonly all: readonly Server[]
  byName(name: string): Server | undefined
  /** Exact host, then the longest path that holds the request's path segment by segment. */
  byAddress(authority: string, path: string): Server | undefined
}

/** The context extension by which a gateway's route names the Server; it may be `namespace/name` or the bare name. */
export const serverExtension = 'mcp-server'

export function createServerTable(servers: readonly Server[]): ServerTable {
  const names = new Map<string, Server>()
  const hosts = new Map<string, Server[]>()
  for (const server of servers) {
    names.set(server.name, server)
    names.set(`${server.namespace}/${server.name}`, server)
    hosts.set(server.host, [...(hosts.get(server.host) ?? []), server])
  }
  for (const list of hosts.values()) list.sort((a, b) => b.path.length - a.path.length)
  return {
    all: servers,
    byName: name => names.get(name),
    byAddress(authority, path) {
      const candidates = hosts.get(normalizeAuthority(authority))
      return candidates?.find(server => isUnder(path, server.path))
    },
  }
}

/** Lower case without a default port. TLS may end before the gateway, so both defaults count whatever the scheme says. */
export function normalizeAuthority(authority: string): string {
  const lower = authority.toLowerCase()
  if (lower.endsWith(':443')) return lower.slice(0, -4)
  return lower.endsWith(':80') ? lower.slice(0, -3) : lower
}

function isUnder(path: string, prefix: string): boolean {
  if (prefix === '/') return path.startsWith('/')
  return path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/')
}
