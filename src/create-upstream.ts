import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Config, ConfigTokenExchange } from './config/config.js'
import type { Upstream } from './decision/upstream-headers.js'
import type { UpstreamCapabilities } from './policy/check-upstream.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logging } from './telemetry/logger.js'
import { SigningKeys } from './upstream/signing-keys.js'
import { jwksPath, signingMetadata } from './upstream/signing-metadata.js'
import { createTokenExchanger, type TokenExchanger } from './upstream/token-exchanger.js'
import { createTokenSigner } from './upstream/token-signer.js'

export interface UpstreamParts extends Upstream {
  /** Reads the keys. Rejects when a key or secret that the configuration names cannot be used. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Public documents of ours by path; undefined when there is none. */
  document(path: string): string | undefined
}

/** What the configuration can do for servers, to compare with what they ask for. */
export function capabilitiesOf({ signing, tokenExchange, listeners }: Config): UpstreamCapabilities {
  return {
    signing: signing !== undefined,
    exchanges: [...tokenExchange.keys()],
    trustedGateway: listeners.some(({ trust }) => trust !== 'none'),
  }
}

/** Puts together what makes the credentials of servers: our keys, and the providers that exchange tokens. */
export function createUpstream({ signing, tokenExchange }: Config, logging: Logging): UpstreamParts {
  const log = logging.subsystem('upstream')
  const keys =
    signing &&
    new SigningKeys({
      files: signing.keys,
      lead: signing.leadMs,
      now: Date.now,
      onEvent: event => {
        if (event.kind === 'keys_changed') log.info('signing keys changed', { count: event.kids.length })
        else log.error(`a signing key ${event.message}; the one read before stays`, { file: event.file })
      },
    })
  const exchangers = new Map<string, TokenExchanger>()
  const metadata = signing && keys && (() => signingMetadata(signing.issuer, keys.algorithms))
  return {
    signer: signing && keys && createTokenSigner({ ...signing, keys, now: Date.now }),
    exchangers,
    async start() {
      await keys?.start()
      for (const [name, provider] of tokenExchange) exchangers.set(name, await startExchanger(name, provider, logging))
    },
    async stop() {
      keys?.stop()
      await Promise.all([...exchangers.values()].map(one => one.stop().catch(() => undefined)))
    },
    document(path) {
      if (path === jwksPath) return keys?.jwks
      return path === '/.well-known/openid-configuration' ? metadata?.() : undefined
    },
  }
}

async function startExchanger(name: string, provider: ConfigTokenExchange, logging: Logging): Promise<TokenExchanger> {
  const { clientAuthentication: authentication, certificateAuthority, timeoutMs, maxInFlight } = provider
  const { tokenEndpoint, clientId } = provider
  const secret =
    authentication.method === 'none'
      ? undefined
      : authentication.method === 'private_key_jwt'
        ? authentication.keyFile
        : authentication.secretFile
  // Missing files are found now rather than by the first caller.
  if (secret !== undefined) await readFile(secret)
  // With an HTTP client that nothing else needs.
  const { createTokenEndpoint } = await import('./upstream/token-request.js')
  const log = logging.subsystem('upstream')
  const report = limitRepeats((message, suppressed) => log.warn(message, { ...(suppressed > 0 && { suppressed }) }))
  return createTokenExchanger({
    endpoint: createTokenEndpoint({
      tokenEndpoint,
      clientId,
      authentication,
      certificateAuthority: certificateAuthority === undefined ? undefined : readFileSync(certificateAuthority, 'utf8'),
      timeout: timeoutMs,
      connections: maxInFlight,
      now: Date.now,
    }),
    maxInFlight,
    now: Date.now,
    onFailure: message => report(`tokenExchange ${name}: ${message}`),
  })
}
