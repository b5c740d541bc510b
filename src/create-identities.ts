import { AuthenticatorSource } from './identity/authenticator-source.js'
import type { ConnectedApiServer } from './kube/create-api-server.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logging } from './telemetry/logger.js'

/**
 * Where authenticators come from, and what is said of their keys.
 * @param cacheBytes memory for verified tokens
 */
export function createIdentities(
  clusters: ReadonlyMap<string, ConnectedApiServer>,
  logging: Logging,
  cacheBytes: number,
): AuthenticatorSource {
  const identityLog = logging.subsystem('identity')
  const reviewFailed = limitRepeats((message, suppressed) => identityLog.warn(message, { suppressed }))
  return new AuthenticatorSource({
    now: Date.now,
    clusters,
    cacheBytes,
    onEvent: event => {
      if (event.kind === 'keys_loaded') identityLog.info('keys loaded', { issuer: event.issuer, count: event.keys })
      else if (event.kind === 'keys_failed')
        identityLog.warn(`keys could not be loaded: ${event.message}`, {
          issuer: event.issuer,
          count: event.failures,
        })
      else if (event.kind === 'review_failed')
        reviewFailed(
          `tokens of ${event.issuer} could not be reviewed by the cluster ${event.cluster}: ${event.message}`,
        )
      else identityLog.error('keys are too old to be trusted', { issuer: event.issuer })
    },
  })
}
