import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { headerNameProblem } from './header-names.js'
import { needsTrustedGateway, type UpstreamSettings } from './server.js'
import type { ServerSpec } from './server-schema.js'

/** What the configuration of the process can do for servers. */
export interface UpstreamCapabilities {
  /** Whether there are keys of ours. */
  readonly signing: boolean
  /** Names of the providers that exchange tokens. */
  readonly exchanges: readonly string[]
  /** Whether a listener trusts its peer. */
  readonly trustedGateway: boolean
}

/** The code of the finding with which a configuration does not start. */
export const untrustedGateway = 'upstream.untrusted_gateway'

/** What `upstream` of a Server says that cannot be meant. */
export function checkUpstream(source: SourceDocument, spec: ServerSpec): Finding[] {
  const findings: Finding[] = []
  const { upstream, identity, anonymous, batches } = spec
  const { authorization } = upstream
  const report = (path: readonly (string | number)[], message: string, hint: string) =>
    findings.push(source.finding('error', ['spec', ...path], message, { hint }))

  if (authorization !== 'strip' && upstream.audience === undefined)
    report(
      ['upstream', 'authorization'],
      `${authorization} needs to know which server the token is for`,
      'add upstream.audience: what the server behind expects in aud',
    )
  if (authorization === 'strip' && !upstream.contextToken && upstream.audience !== undefined)
    report(
      ['upstream', 'audience'],
      'no token is sent to the server, so its audience can never matter',
      'remove it, or say what is sent: upstream.authorization, or contextToken: true',
    )
  if (upstream.exchange !== undefined && authorization !== 'exchange')
    report(['upstream', 'exchange'], 'can never matter', 'write authorization: exchange, or remove it')
  if (upstream.impersonation !== undefined && upstream.identity !== 'impersonation')
    report(['upstream', 'impersonation'], 'can never matter', 'write identity: impersonation, or remove it')
  if (identity === 'gatewayMetadata' && (authorization === 'passthrough' || authorization === 'exchange'))
    report(
      ['upstream', 'authorization'],
      `${authorization} takes the token of the request, and the gateway may have verified another one`,
      'write identity: token, or authorization: mint',
    )
  const speaks = authorization === 'mint' || authorization === 'exchange' || upstream.identity === 'impersonation'
  if (anonymous === 'Allow' && speaks)
    report(['anonymous'], 'nobody can be spoken for to the server behind', 'write anonymous: Deny')
  if (upstream.contextToken && batches === 'legacy')
    report(
      ['upstream', 'contextToken'],
      'a context token speaks of one call, and a batch holds several',
      'write batches: deny',
    )
  for (const [index, name] of (upstream.headers ?? []).entries()) {
    const problem = headerNameProblem(name)
    if (problem !== undefined) report(['upstream', 'headers', index], problem.message, problem.hint)
  }
  return findings
}

/** What a Server asks for that the configuration cannot do. */
export function checkCapabilities(
  source: SourceDocument,
  upstream: UpstreamSettings,
  able: UpstreamCapabilities | undefined,
): Finding[] {
  if (able === undefined) return []
  const findings: Finding[] = []
  const at = (field: string) => ['spec', 'upstream', field]
  const { authorization, contextToken, exchange } = upstream
  if (!able.signing && (authorization === 'mint' || contextToken)) {
    const field = authorization === 'mint' ? 'authorization' : 'contextToken'
    const hint = 'add signing, with an issuer and a key, to the Config'
    findings.push(source.finding('error', at(field), 'there is no key to sign tokens with', { hint }))
  }
  if (exchange !== undefined && !able.exchanges.includes(exchange.with)) {
    const hint =
      able.exchanges.length === 0
        ? `add tokenExchange.${exchange.with} to the Config`
        : `there is: ${able.exchanges.join(', ')}`
    const message = `the Config has no tokenExchange "${exchange.with}"`
    findings.push(source.finding('error', at('exchange'), message, { hint }))
  }
  if (!able.trustedGateway && needsTrustedGateway(upstream)) {
    const field =
      authorization === 'mint' || authorization === 'exchange'
        ? 'authorization'
        : contextToken
          ? 'contextToken'
          : 'identity'
    const message = 'authority is handed out to whoever can reach the listener: no listener trusts its peer'
    const hint = 'use a unix socket, trust: mtls, or say trust: network on the listener of the gateway'
    findings.push({ ...source.finding('error', at(field), message, { hint }), code: untrustedGateway })
  }
  return findings
}
