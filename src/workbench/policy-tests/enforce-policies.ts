import { RuleIndex } from '../../policy/rule-index.js'
import { createServerTable } from '../../policy/server-table.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'

interface Moded {
  readonly mode: 'Enforce' | 'Audit' | 'Warn'
}

/** The same policies as they will be when every Server and Guardrail in Audit is enforced. Warn stays what it is. */
export function enforcePolicies(snapshot: PolicySnapshot): PolicySnapshot {
  const { servers, guardrails, resultGuardrails } = snapshot
  const names = servers.all.map(({ name }) => name)
  const all = <Rule>(of: (server: string) => readonly Rule[]) => [...new Set(names.flatMap(of))]
  return {
    ...snapshot,
    servers: createServerTable(servers.all.map(server => ({ ...server, mode: 'Enforce' }))),
    guardrails: new RuleIndex(all(name => guardrails.ofServer(name)).map(enforced), names),
    resultGuardrails: new RuleIndex(all(name => resultGuardrails.ofServer(name)).map(enforced), names),
  }
}

function enforced<Rule extends Moded>(rule: Rule): Rule {
  return rule.mode === 'Audit' ? { ...rule, mode: 'Enforce' } : rule
}
