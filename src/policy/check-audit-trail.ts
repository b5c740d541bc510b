import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { Report } from './check-match.js'
import type { CrossCheckInput } from './cross-check.js'
import type { MatchedServers } from './matched-servers.js'

/**
 * Servers that do their work in a real cluster as themselves. The API server is then asked what the caller may do, and never
 * learns who called: its audit log, its admission policies and its limits see one account only.
 */
export function checkAuditTrail(
  { serverDocuments, fileClusters }: CrossCheckInput,
  servers: MatchedServers,
  report: Report,
): void {
  for (const { document, value } of serverDocuments) {
    const server = servers.byName(value.name)
    if (server === undefined || fileClusters.has(server.kubernetes.cluster)) continue
    const { upstream, require, catalog } = server
    if (upstream.authorization !== 'strip' || upstream.identity === 'impersonation') continue
    if (!require.includes('operations') || ![...(catalog?.tools.values() ?? [])].some(worksInCluster)) continue
    report(
      'warning',
      document,
      ['spec', 'upstream', 'authorization'],
      'the audit log of the API server will name the account of the MCP server for every call, and never the caller',
      'write authorization: passthrough and what the API server expects in aud as audience, and give the MCP server no ' +
        'credentials of its own (docs/upstream.md)',
    )
  }
}

const worksInCluster = ({ noOperations, refuse }: CatalogTool): boolean => !noOperations && refuse === undefined
