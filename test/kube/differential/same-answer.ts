import type { UserInfo } from '../../../src/identity/principal.js'
import type { Access } from '../../../src/rbac/authorizer.js'
import { createEmbeddedAuthorizer, type EmbeddedAuthorizer } from '../../../src/rbac/embedded-authorizer.js'
import type { RbacObject } from '../../../src/rbac/rbac-objects.js'
import type { OracleRequest } from '../../rbac-oracle/question.js'

export function userOf({ user, groups }: OracleRequest): UserInfo {
  return { username: user, uid: '', groups, extra: new Map() }
}

export function embeddedAnswer(authorizer: EmbeddedAuthorizer, request: OracleRequest): Access {
  const { verb, path } = request
  const user = userOf(request)
  return path === undefined ? authorizer.authorize(user, request) : authorizer.authorizeUrl(user, { verb, path })
}

/**
 * Whether the API server's answer is one that it could give where ours is right. It asks bindings in the order of a Go map:
 * which of several that allow it names, and in what order it lists those that are broken, is chance.
 */
export function sameAnswer(
  world: readonly RbacObject[],
  request: OracleRequest,
  ours: Access,
  theirs: Access,
): boolean {
  if ('failed' in theirs || ours.allowed !== theirs.allowed) return false
  if (ours.reason === theirs.reason) return true
  if (!ours.allowed) return parts(ours.reason) === parts(theirs.reason)
  const bindings = world.filter(({ kind }) => kind === 'ClusterRoleBinding' || kind === 'RoleBinding')
  const rest = world.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
  return bindings.some(binding => {
    if (!theirs.reason.includes('Binding "')) return false
    return embeddedAnswer(createEmbeddedAuthorizer([...rest, binding]), request).reason === theirs.reason
  })
}

function parts(reason: string): string {
  const list = reason.replace(/^RBAC: \[?/, '').replace(/\]$/, '')
  return list.split(', ').sort().join(', ')
}
