import { didYouMean } from './documents/did-you-mean.js'
import type { Server } from './policy/server.js'
import type { ServerTable } from './policy/server-table.js'

/** A Server as those who ask over AuthZEN call it: by its name, or by its resource. */
export function findAskedServer(servers: ServerTable, id: string): Server | undefined {
  return servers.byName(id) ?? servers.all.find(one => one.resource === id)
}

/** What of a listener matters here. */
interface AskedListener {
  readonly name: string
  readonly authzen?: { readonly server?: string }
}

/**
 * Listeners whose `authzen.server` is no Server of these, one line each, for log and readiness: whatever they are asked
 * without a name of its own is denied. No error of the configuration, because the documents may change while it runs.
 */
export function missingServers(listeners: readonly AskedListener[], servers: ServerTable): readonly string[] {
  return listeners.flatMap(({ name, authzen }) => {
    const wanted = authzen?.server
    if (wanted === undefined || findAskedServer(servers, wanted) !== undefined) return []
    const meant = didYouMean(
      wanted,
      servers.all.flatMap(one => [one.name, one.resource]),
    )
    const hint = meant === undefined ? 'add the document or change the name' : `did you mean "${meant}"?`
    return [`authzen: the listener ${name} is for the Server "${wanted}", which does not exist (${hint})`]
  })
}
