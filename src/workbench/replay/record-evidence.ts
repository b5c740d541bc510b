import type { DecisionRecord } from '../../telemetry/read-records.js'
import type { Evidence } from '../forecast/call-facts.js'
import { type PolicySet, sameView } from './policy-set.js'

/**
 * What a record proves of the rules of a candidate: one that the policies of then have as well, word for word, comes to what it
 * came to then, also where the record does not hold what it looked at. Arguments and claims need not be recorded to find out
 * what becomes of a call when one rule of many is changed, added or enforced.
 *
 * Rules that ask an authorizer are left out: what that answered may have changed.
 *
 * @param then the policies of the record: of its revision
 */
export function recordEvidence(record: DecisionRecord, then: PolicySet, candidate: PolicySet): Evidence | undefined {
  const { server = '', policies = [], would_deny = [] } = record
  if (!sameView(then, candidate, server) || would_deny.length >= maxListed || policies.length >= maxListed)
    return undefined
  const evaluated = new Set(policies)
  const noted = new Map(would_deny.map(({ policy = '', reason }) => [policy, reason]))
  const watched = (policy: string): 'kept' | 'violated' | undefined => {
    const reason = noted.get(policy)
    if (reason === undefined) return 'kept'
    // An error may be about what other rules cost.
    return reason === 'guardrail.violated' ? 'violated' : undefined
  }
  const modes = guardrailsOf(then, server)
  return {
    guardrail(name) {
      const policy = `Guardrail/${name}`
      const rule = modes.get(name)
      if (rule === undefined || rule.asks || !evaluated.has(policy) || !isSame(policy, then, candidate))
        return undefined
      switch (rule.mode) {
        case 'Enforce':
          return record.mode === 'audit' ? watched(policy) : enforced(record, name)
        case 'Audit':
          return watched(policy)
        case 'Warn':
          return (record.warnings ?? 0) === 0 ? 'kept' : undefined
      }
    },
    grant(name) {
      const policy = `Grant/${name}`
      if (!isSame(policy, then, candidate) || grantsThatAsk(then, server).has(name)) return undefined
      if (evaluated.has(policy)) return 'gives'
      return nothingGave(record, then, server) ? 'withholds' : undefined
    },
  }
}

const maxListed = 64

/** Of the Guardrails that enforce, a denial names the first that was broken, by name; an error may be about cost. */
function enforced(
  { decision, reason = '', policy = '' }: DecisionRecord,
  name: string,
): 'kept' | 'violated' | undefined {
  if (decision === 'allow') return 'kept'
  if (!reason.startsWith('guardrail.') || !policy.startsWith('Guardrail/')) return undefined
  const first = policy.slice('Guardrail/'.length)
  if (name < first) return 'kept'
  return name === first && reason === 'guardrail.violated' ? 'violated' : undefined
}

/** Where it was the only thing asked of the only principal, every Grant was tried. */
function nothingGave({ mode, decision, reason }: DecisionRecord, then: PolicySet, name: string): boolean {
  const server = then.snapshot.servers.byName(name)
  const denied = mode === 'enforce' && decision === 'deny'
  return (
    denied &&
    (reason === 'authorization.grant' || reason === 'authorization.scope') &&
    server?.principals.length === 1 &&
    server.require.includes('grants')
  )
}

function isSame(policy: string, then: PolicySet, candidate: PolicySet): boolean {
  const text = then.rules.get(policy)
  return text !== undefined && text === candidate.rules.get(policy)
}

interface KnownRule {
  readonly mode: 'Enforce' | 'Audit' | 'Warn'
  readonly asks: boolean
}

const known = new WeakMap<PolicySet, Map<string, ReadonlyMap<string, KnownRule>>>()

function guardrailsOf(set: PolicySet, server: string): ReadonlyMap<string, KnownRule> {
  const servers = known.get(set) ?? new Map<string, ReadonlyMap<string, KnownRule>>()
  known.set(set, servers)
  const before = servers.get(server)
  if (before !== undefined) return before
  const rules = new Map(
    set.snapshot.guardrails.ofServer(server).map(({ name, mode, reads }) => [name, { mode, asks: asks(reads) }]),
  )
  servers.set(server, rules)
  return rules
}

const asking = new WeakMap<PolicySet, Map<string, ReadonlySet<string>>>()

function grantsThatAsk(set: PolicySet, server: string): ReadonlySet<string> {
  const servers = asking.get(set) ?? new Map<string, ReadonlySet<string>>()
  asking.set(set, servers)
  const before = servers.get(server)
  if (before !== undefined) return before
  const found = new Set(set.snapshot.grants.ofServer(server).flatMap(({ name, reads }) => (asks(reads) ? [name] : [])))
  servers.set(server, found)
  return found
}

function asks(reads: ReadonlySet<string>): boolean {
  return reads.has('authorizer') || reads.has('authorizer.requestResource')
}
