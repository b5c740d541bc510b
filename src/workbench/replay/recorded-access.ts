import type { Principal } from '../../identity/principal.js'
import type { Access, Authorizer } from '../../rbac/authorizer.js'
import type { ResourceAttributes } from '../../rbac/operation.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'

/** Of virtual resources, which stand for tools and the like. */
const virtualGroup = 'mcp-authz.dev'
const maxListed = 64

/** Answers what the authorizers of then answered; of everything else it says that it does not know. */
export function recordedAuthorizer({ rbac = [] }: DecisionRecord, { agentUser }: Principal): Authorizer {
  return {
    authorize(user, asked): Access {
      const role = agentUser !== undefined && user.username === agentUser.username ? 'agent' : 'user'
      const known = rbac.find(one => one.role === role && sameAttributes(one, asked))
      if (known === undefined) return unknown
      return known.allowed ? { allowed: true, reason: '' } : { allowed: false, reason: '' }
    },
    authorizeUrl: () => unknown,
  }
}

const unknown: Access = { allowed: false, failed: 'dependency.api_server', reason: '' }

export interface RecordedOperations {
  readonly operations: readonly ResourceAttributes[]
  /** Whether these are all; where one was refused, nothing more was asked. */
  readonly complete: boolean
}

/** What the call did in terms of Kubernetes, as far as RBAC was asked; undefined where it was not. */
export function recordedOperations({ rbac = [] }: DecisionRecord): RecordedOperations | undefined {
  const asked = rbac.filter(({ group }) => group !== virtualGroup)
  const [first] = asked
  if (first === undefined) return undefined
  const operations = asked
    .filter(({ role }) => role === first.role)
    .map(({ verb, group, resource, subresource, namespace, name }) => ({
      ...{ verb, group, resource, subresource, namespace, name },
    }))
  return { operations, complete: rbac.length < maxListed && asked.every(({ allowed }) => allowed) }
}

function sameAttributes(a: ResourceAttributes, b: ResourceAttributes): boolean {
  return (
    a.verb === b.verb &&
    a.group === b.group &&
    a.resource === b.resource &&
    a.subresource === b.subresource &&
    a.namespace === b.namespace &&
    a.name === b.name
  )
}
