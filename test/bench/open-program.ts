import { join } from 'node:path'
import type { DecideOptions } from '../../src/decision/create-decide.js'
import { packageRoot } from '../../src/package-root.js'
import type { PolicySnapshot } from '../../src/policy/snapshot.js'
import { writePolicies } from './policies.js'
import { loadProgram, type ProgramParts } from './program-parts.js'
import type { Code } from './server-process.js'
import { createTokenIssuer } from './tokens.js'

/** The program in this process, with the policies of the benchmark in force. */
export interface OpenProgram {
  readonly parts: ProgramParts
  readonly snapshot: PolicySnapshot
  /** Of the person and the agent of the benchmark. */
  readonly token: string
  close(): void
}

/** @param rules other Guardrails than those of the benchmark */
export async function openProgram(
  code: Code,
  files: Readonly<Record<string, string>> = {},
  rules?: readonly string[],
): Promise<OpenProgram> {
  const issuer = createTokenIssuer()
  const policies = writePolicies(issuer.jwks, files, rules)
  try {
    const parts = await loadProgram(code)
    const identities = new parts.authenticators.AuthenticatorSource({ now: Date.now })
    const snapshot = loadPolicies(parts, identities, policies.directory)
    await identities.started()
    const [token = ''] = issuer.mint(1)
    const close = () => {
      identities.stop()
      policies.remove()
    }
    return { parts, snapshot, token, close }
  } catch (error) {
    policies.remove()
    throw error
  }
}

function loadPolicies(
  { policyStore, directorySource }: ProgramParts,
  identities: InstanceType<ProgramParts['authenticators']['AuthenticatorSource']>,
  directory: string,
): PolicySnapshot {
  const catalogs = join(packageRoot, 'policies', 'catalogs')
  const store = new policyStore.PolicyStore({
    sources: [
      directorySource.createDirectorySource({ directory: catalogs, kinds: ['ToolCatalog'], trust: 0 }),
      directorySource.createDirectorySource({ directory }),
    ],
    compile: {},
    assemble: {
      clusters: ['local'],
      authenticator: (configurations, identity) => identities.for(configurations, identity),
    },
  })
  store.load()
  if (store.current === undefined) throw new Error('the policies of the benchmark do not compile')
  return store.current
}

/** What the service does with each decision, but for handing the record to the file. */
export function telemetry(
  { metrics }: ProgramParts,
  snapshot: PolicySnapshot,
): Required<Pick<DecideOptions, 'onDecided' | 'stageTimer'>> {
  const counted = metrics.createMetrics({ droppedRecords: () => 0, defaults: false })
  const servers = snapshot.servers.all.map(server => server.name)
  counted.policies({
    revision: snapshot.revision,
    documents: 1,
    brokenDocuments: 0,
    lastSuccess: 0,
    servers,
    serversInAudit: 0,
  })
  return {
    stageTimer: () => counted.stageTimer(),
    onDecided: ({ decision, server, elapsedMs, record }) => {
      const reason = decision.failure?.reason ?? ''
      const { id: decisionId, traceId } = decision
      const sample = { server, reason, mode: 'Enforce', durationMs: elapsedMs, decisionId, traceId } as const
      counted.decided({ ...sample, decision: decision.outcome })
      if (record() === '') throw new Error('an empty record')
    },
  }
}
