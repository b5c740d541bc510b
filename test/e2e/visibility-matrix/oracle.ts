import { join } from 'node:path'
import { createDecide } from '../../../src/decision/create-decide.js'
import { AuthenticatorSource } from '../../../src/identity/authenticator-source.js'
import { packageRoot } from '../../../src/package-root.js'
import { createDirectorySource } from '../../../src/policy/directory-source.js'
import { PolicyStore } from '../../../src/policy/policy-store.js'
import { inbound } from '../../support/inbound.js'
import { memorySource } from '../../support/policies.js'
import { type PolicyFiles, type PolicyPlace, relocated } from '../support/policy-directory.js'

/**
 * What a caller can do, found out by trying: every question is a whole request, judged by the pipeline that judges requests.
 * Knows nothing of how lists are filtered.
 */
export interface Oracle {
  /** Whether a request with this method and any of these params is allowed to the bearer of the token. */
  any(token: string, method: string, params: Iterable<object>): boolean
}

export interface OracleOptions {
  /** Files that stay. */
  readonly files: PolicyFiles
  readonly place: PolicyPlace
  /** Of everybody who will be asked about. */
  readonly tokens: readonly string[]
}

export interface SwitchedOracle extends Oracle {
  /** Puts another file of policies in place of the last. */
  take(text: string): Promise<void>
  stop(): void
}

/** With the real issuer's keys. */
export function createOracle({ files, place, tokens }: OracleOptions): SwitchedOracle {
  const identities = new AuthenticatorSource({ now: Date.now })
  const texts: Record<string, string> = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, relocated(text, place)]),
  )
  const store = new PolicyStore({
    sources: [
      createDirectorySource({ directory: join(packageRoot, 'policies/catalogs'), kinds: ['ToolCatalog'], trust: 0 }),
      memorySource(texts),
    ],
    brokenPolicies: 'refuse',
    compile: { insecureLoopbackIssuers: true, seesAnswers: true },
    assemble: {
      clusters: ['local'],
      authenticator: (configurations, identity) => identities.for(configurations, identity),
    },
  })
  const decide = createDecide({ snapshot: () => store.current })
  const { host, pathname } = new URL(place.resource)
  const judge = (token: string, method: string, params: object) =>
    decide(
      inbound({
        authority: host,
        path: pathname,
        headers: { authorization: `Bearer ${token}` },
        extensions: { 'mcp-server': 'kubernetes' },
        body: { jsonrpc: '2.0', id: 1, method, params },
      }),
    )
  return {
    async take(text) {
      texts['set.yaml'] = relocated(text, place)
      const report = store.load()
      if (!report.inForce) throw new Error(report.findings.map(({ message }) => message).join('\n'))
      await identities.started()
      // Signatures are checked once; from then on nothing has to be waited for.
      for (const token of tokens) await judge(token, 'ping', {})
    },
    any(token, method, candidates) {
      for (const params of candidates) {
        const decision = judge(token, method, params)
        if (decision instanceof Promise) throw new Error('the pipeline waited')
        if (decision.outcome === 'allow') return true
      }
      return false
    },
    stop: () => identities.stop(),
  }
}
