import type { Config } from './config/config.js'
import type { Finding } from './documents/finding.js'
import { untrustedGateway } from './policy/check-upstream.js'
import type { PolicySnapshot } from './policy/snapshot.js'

/** What the gateway tells of others is worth what the gateway is: throws unless somebody has said that it is known. */
export function refuseUntrusted(
  findings: readonly Finding[],
  { listeners }: Pick<Config, 'listeners'>,
  snapshot: PolicySnapshot | undefined,
): void {
  const untrusted = findings.find(({ code }) => code === untrustedGateway)
  if (untrusted !== undefined) throw new Error(`${untrusted.subject}: ${untrusted.message}; ${untrusted.hint ?? ''}`)
  if (listeners.some(listener => listener.trust !== 'none')) return
  const [feature] = snapshot?.authenticator.needsTrust ?? []
  if (feature !== undefined) throw new Error(`${feature} takes the gateway's word, ${nobodyTrusted}`)
  const server = snapshot?.servers.all.find(one => one.audience.identity === 'gatewayMetadata')
  if (server !== undefined)
    throw new Error(`the Server ${server.name} takes identities from the gateway, ${nobodyTrusted}`)
}

const nobodyTrusted = 'but no listener trusts its peer; use a unix socket, trust: mtls, or say trust: network'
