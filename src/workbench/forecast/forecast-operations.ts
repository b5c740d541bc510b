import { authorizeNothing, authorizeOperations, unexplained } from '../../decision/authorize-by-rbac.js'
import type { Failure } from '../../decision/decision.js'
import { type PrincipalSubject, principalSubjects } from '../../decision/each-principal.js'
import { failure } from '../../decision/failure.js'
import { PossibleAccess } from '../../decision/possible-access.js'
import type { JudgedTrial } from '../../decision/trial.js'
import type { EmbeddedAuthorizer } from '../../rbac/embedded-authorizer.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import type { PossibleCall, PossibleOperation } from '../../rbac/possible-calls.js'
import type { CallFacts } from './call-facts.js'
import { asOperation, type KnownOperations, knownOperations } from './known-operations.js'
import { fails, open, passes, type Verdict } from './verdict.js'

/** A failure to find out leaves it open. */
export function verdictOf(found: Failure | undefined): Verdict {
  if (found === undefined) return passes
  return found.stage === 'dependency' ? open(['permissions']) : fails(found)
}

/** RBAC on what the call does: on exactly that where it is known, else on all that arguments can make of it. */
export async function forecastOperations(facts: CallFacts, trial: JudgedTrial): Promise<Verdict> {
  const { server, call, catalogTool, resolved } = trial
  if (resolved !== undefined) return verdictOf(await authorizeOperations(trial, call))
  if (catalogTool === undefined) return fails(unexplained(call))
  const known = facts.operations && knownOperations(facts.operations, catalogTool, server.kubernetes)
  const some = known && (await forecastSome(trial, known))
  if (some !== undefined && some.kind !== 'passes') return some
  const ways = catalogTool.possible(server.kubernetes)
  if (ways === 'anything' || ways.length > mostWays) return open(['arguments'])
  if (ways.length === 0) {
    const message = 'there are no arguments with which the catalogue says what this does in terms of Kubernetes'
    return fails(failure('authorization.no_operation', message))
  }
  const principals = principalSubjects(trial)
  if (!principals.ok) return fails(principals.failure)
  const access = new PossibleAccess(server, undefined)
  const verdicts: Verdict[] = []
  for (const way of ways) verdicts.push(await forecastWay(trial, access, way, principals.subjects))
  const [first] = verdicts
  if (verdicts.every(({ kind }) => kind === 'passes')) return passes
  if (first?.kind === 'fails' && verdicts.every(({ kind }) => kind === 'fails'))
    return {
      ...first,
      certain: verdicts.every(one => one.kind === 'fails' && one.failure.reason === first.failure.reason),
    }
  return open(['arguments'])
}

/** Some of the operations are known; that the others are allowed as well is not certain then. */
async function forecastSome(trial: JudgedTrial, { operations }: KnownOperations): Promise<Verdict> {
  const { cluster } = trial.server.kubernetes
  const resolved = { ok: true, cluster, operations: operations.map(asOperation), images: [], replicas: [] } as const
  return verdictOf(await authorizeOperations({ ...trial, resolved }, trial.call))
}

/** Ways to call a tool that are looked at before the answer is left open. */
const mostWays = 64

async function forecastWay(
  trial: JudgedTrial,
  access: PossibleAccess,
  way: PossibleCall,
  subjects: readonly PrincipalSubject[],
): Promise<Verdict> {
  const { server, catalogTool, call } = trial
  if (way.operations.length === 0 && catalogTool !== undefined)
    return verdictOf(authorizeNothing(trial, catalogTool, call))
  const possibility = await access.call(way, subjects)
  if (possibility.kind === 'unasked') return open(['permissions'])
  if (possibility.kind === 'never') {
    const message = 'what a call of it does in terms of Kubernetes is allowed nowhere'
    return fails(failure('authorization.rbac', message))
  }
  const authorizer = server.authorizers.get(way.cluster)
  const embedded = authorizer && embeddedOf(authorizer)
  // An API server was asked about all of it that is exactly known.
  if (embedded === undefined) return way.operations.every(isExact) ? passes : open(['arguments'])
  const everywhere = subjects.every(subject =>
    way.operations.every(operation => isAllowedAnyway(embedded, subject, operation)),
  )
  return everywhere ? passes : open(['arguments'])
}

/** Names that no rule has: what is allowed of these is allowed of any. */
const nobodys = 'a-name-that-no-rule-has-9b1f6a52'

function isAllowedAnyway(embedded: EmbeddedAuthorizer, { info }: PrincipalSubject, operation: PossibleOperation) {
  const { verb, subresource, group = nobodys, resource = nobodys, namespace, name = nobodys } = operation
  const where = typeof namespace === 'string' ? namespace : nobodys
  const access = embedded.authorize(info, { verb, group, resource, subresource, namespace: where, name })
  return !(access instanceof Promise) && access.allowed
}

function isExact({ group, resource, namespace, name }: PossibleOperation): boolean {
  return group !== undefined && resource !== undefined && name !== undefined && typeof namespace === 'string'
}
