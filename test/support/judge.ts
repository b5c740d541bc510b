import { createDecide } from '../../src/decision/create-decide.js'
import type { Decision } from '../../src/decision/decision.js'
import { type InboundOptions, inbound } from './inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from './policies.js'

export const policyDocument = (kind: string, name: string, spec: unknown): string =>
  JSON.stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind, metadata: { name }, spec })

export interface Judged {
  readonly decision: Decision
  /** "allow", or the reason of the denial. */
  readonly verdict: string
  readonly status: number | undefined
  readonly body: unknown
  /** The lines of the decision log that it left. */
  readonly records: readonly Record<string, unknown>[]
}

/**
 * For tests: judges requests of "alice" under these documents. The Server is `srv` at https://srv.example.com/mcp, and
 * everybody is given what `grant` says, everything by default.
 */
export function setUpServer(spec: Record<string, unknown>, documents: readonly string[] = [], grant: object = {}) {
  const server = policyDocument('Server', 'srv', {
    resource: 'https://srv.example.com/mcp',
    require: ['grants'],
    ...spec,
  })
  const everybody = policyDocument('Grant', 'everybody', {
    match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }], ...grant },
  })
  const files = Object.fromEntries([server, everybody, ...documents].map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([memorySource(files)], namesAsTokens({ alice: person('alice') }))
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const lines: string[] = []
  const decide = createDecide({ snapshot: () => store.current, onDecided: decided => lines.push(decided.record()) })
  return (body: unknown, options: InboundOptions = {}): Judged => {
    lines.length = 0
    const headers = { authorization: 'Bearer alice', ...options.headers }
    const decision = decide(inbound({ authority: 'srv.example.com', ...options, headers, body }))
    if (decision instanceof Promise) throw new Error('the pipeline waited')
    const { answer } = decision
    return {
      decision,
      verdict: decision.outcome === 'allow' ? 'allow' : (decision.failure?.reason ?? ''),
      status: answer.kind === 'respond' ? answer.status : undefined,
      body: answer.kind === 'respond' && answer.body !== '' ? JSON.parse(answer.body) : undefined,
      records: lines.map(line => JSON.parse(line)),
    }
  }
}
