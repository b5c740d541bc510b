import type { Failure } from '../../decision/decision.js'
import { failure } from '../../decision/failure.js'
import type { Guardrail } from '../../policy/guardrail.js'
import { RuleIndex } from '../../policy/rule-index.js'
import type { Server } from '../../policy/server.js'
import { createServerTable } from '../../policy/server-table.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Authorizer } from '../../rbac/authorizer.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import type { RuleCoverage } from './rule-coverage.js'

/** The same policies, which tell what they say of each call. They decide as they would unobserved. */
export interface ObservedPolicies {
  readonly snapshot: PolicySnapshot
  /** What enforcing Guardrails had against the calls that were judged since it was last asked. */
  violations(): readonly Failure[]
}

/** @param coverage is told which rules took part; undefined: nobody asks */
export function observePolicies(snapshot: PolicySnapshot, coverage: RuleCoverage | undefined): ObservedPolicies {
  const { servers, guardrails, resultGuardrails } = snapshot
  const names = servers.all.map(({ name }) => name)
  let violations: Failure[] = []
  const note = (guardrail: Guardrail): Guardrail => ({
    ...guardrail,
    evaluate(activation, budget) {
      const judgement = guardrail.evaluate(activation, budget)
      coverage?.noteGuardrail(guardrail.name, activation)
      if (guardrail.mode !== 'Enforce') return judgement
      for (const { reason, message, policyReason, hint } of judgement.violations) {
        const hints = hint === undefined ? [] : [hint]
        violations.push(failure(reason, message, { policy: `Guardrail/${guardrail.name}`, policyReason, hints }))
      }
      return judgement
    },
  })
  const all = <Rule>(of: (server: string) => readonly Rule[]) => [...new Set(names.flatMap(of))]
  const authorizers = new Map<Authorizer, Authorizer>()
  const noted = (authorizer: Authorizer): Authorizer => {
    const known = authorizers.get(authorizer) ?? observeAuthorizer(authorizer, coverage)
    authorizers.set(authorizer, known)
    return known
  }
  const observed = (server: Server): Server => ({
    ...server,
    authorizer: noted(server.authorizer),
    authorizers: new Map([...server.authorizers].map(([name, one]) => [name, noted(one)])),
  })
  return {
    snapshot: {
      ...snapshot,
      servers: createServerTable(servers.all.map(observed)),
      guardrails: new RuleIndex(all(name => guardrails.ofServer(name)).map(note), names),
      resultGuardrails: new RuleIndex(
        all(name => resultGuardrails.ofServer(name)).map(rule => ({
          ...rule,
          judge(answer) {
            coverage?.noteResultGuardrail(rule.name, answer)
            return rule.judge(answer)
          },
        })),
        names,
      ),
    },
    violations() {
      const found = violations
      violations = []
      return found
    },
  }
}

function observeAuthorizer(authorizer: Authorizer, coverage: RuleCoverage | undefined): Authorizer {
  const embedded = embeddedOf(authorizer)
  if (embedded === undefined || coverage === undefined) return authorizer
  return {
    ...embedded,
    authorize(user, attributes) {
      const access = embedded.authorize(user, attributes)
      if (access.allowed) coverage.noteAccess(access.reason, rule => rule.allows(attributes))
      return access
    },
    authorizeUrl(user, attributes) {
      const access = embedded.authorizeUrl(user, attributes)
      if (access.allowed) coverage.noteAccess(access.reason, rule => rule.allowsUrl(attributes.verb, attributes.path))
      return access
    },
  }
}
