import type { ConfigAdmin } from './config.js'
import type { ConfigSpec } from './config-document.js'
import { isLoopback } from './is-loopback.js'

type Report = (
  severity: 'error' | 'warning',
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

/**
 * The admin listener, undefined without one. Who reads it learns who did what, and may ask what anybody may do: from another
 * machine it takes a token or a client certificate, and never in the clear.
 */
export function resolveAdmin(
  { admin }: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): ConfigAdmin | undefined {
  if (admin === undefined) return undefined
  const { host, port, hosts, tls, tokenFile, recentDecisions } = admin
  if (!isLoopback(host)) {
    if (tls?.clientCA === undefined && tokenFile === undefined) {
      const hint = 'name admin.tokenFile or admin.tls.clientCA, or listen on a loopback address, such as 127.0.0.1'
      report('error', ['admin'], 'nobody would check who reads the decisions of others', hint)
    }
    if (tls === undefined) {
      const hint = 'add admin.tls, or listen on a loopback address, such as 127.0.0.1'
      report('error', ['admin', 'host'], 'tokens and decisions would cross the network in the clear', hint)
    }
  }
  if (tls?.allowedSANs !== undefined && tls.clientCA === undefined)
    report('error', ['admin', 'tls', 'allowedSANs'], 'nobody checks these names', 'add admin.tls.clientCA')
  return {
    host,
    port,
    hosts,
    recentDecisions,
    ...(tokenFile !== undefined && { tokenFile: at(tokenFile) }),
    ...(tls !== undefined && {
      tls: {
        cert: at(tls.cert),
        key: at(tls.key),
        ...(tls.clientCA !== undefined && { clientCA: at(tls.clientCA) }),
        ...(tls.allowedSANs !== undefined && { allowedSANs: tls.allowedSANs }),
      },
    }),
  }
}
