import { createServerTable } from '../../policy/server-table.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Authorizer } from '../../rbac/authorizer.js'
import { embeddedOf } from '../../rbac/embedded-of.js'

/** Stands in for a cluster that nobody asks: what it gives is the same on both sides, so that only rules make a difference. */
const givesAll: Authorizer = {
  authorize: () => ({ allowed: true, reason: '' }),
  authorizeUrl: () => ({ allowed: true, reason: '' }),
}

/**
 * The same policies, where every permission counts as given that an API server would have to be asked about.
 * @param inFiles whether RBAC objects stand in files of either set; without any, permissions are a cluster's
 */
export function withPermissions(snapshot: PolicySnapshot, inFiles: boolean): PolicySnapshot {
  const known = (authorizer: Authorizer) => (inFiles && embeddedOf(authorizer) !== undefined ? authorizer : givesAll)
  return {
    ...snapshot,
    servers: createServerTable(
      snapshot.servers.all.map(server => ({
        ...server,
        authorizer: known(server.authorizer),
        authorizers: new Map([...server.authorizers].map(([name, one]) => [name, known(one)])),
      })),
    ),
  }
}

/** Whether a permission of either set is not in files. */
export function asksClusters({ servers }: PolicySnapshot): boolean {
  return servers.all.some(server =>
    [server.authorizer, ...server.authorizers.values()].some(one => embeddedOf(one) === undefined),
  )
}
