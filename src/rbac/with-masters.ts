import type { UserInfo } from '../identity/principal.js'
import type { Access } from './authorizer.js'
import type { EmbeddedAuthorizer } from './embedded-authorizer.js'

const privileged = 'system:masters'
/** The API server gives no reason either. */
const allowed: Access = { allowed: true, reason: '' }

/**
 * Lets the group `system:masters` do everything, as an API server does before it asks RBAC (pkg/kubeapiserver/authorizer,
 * the privileged group). Names that begin with `system:` are refused in tokens; only who was vouched for by the cluster
 * itself can be in it, and a SubjectAccessReview would allow him as well. `whoCan` and `whatCan` tell what RBAC objects
 * give, in which the ClusterRoleBinding `cluster-admin` names the group.
 */
export function withMasters(rbac: EmbeddedAuthorizer): EmbeddedAuthorizer {
  return {
    authorize: (user, attributes) => (isMaster(user) ? allowed : rbac.authorize(user, attributes)),
    authorizeUrl: (user, attributes) => (isMaster(user) ? allowed : rbac.authorizeUrl(user, attributes)),
    mayAllow: (user, attributes) => isMaster(user) || rbac.mayAllow(user, attributes),
    canInAnyNamespace: (user, attributes) => isMaster(user) || rbac.canInAnyNamespace(user, attributes),
    namespacesWhere: (user, attributes) => (isMaster(user) ? 'all' : rbac.namespacesWhere(user, attributes)),
    whoCan: rbac.whoCan,
    whatCan: rbac.whatCan,
  }
}

function isMaster(user: UserInfo): boolean {
  return user.groups.includes(privileged)
}
