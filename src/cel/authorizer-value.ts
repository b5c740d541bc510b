import { CelValue } from './environment.js'
import type { AuthorizationUser, AuthorizerHost } from './library/authorization.js'
import { Authorizer } from './library/authz-values.js'

/**
 * The value of a variable of the type `kubernetes.authorization.Authorizer`, which asks `host` about `user`. One value
 * serves any number of evaluations; a host that belongs to one request belongs to that request's value.
 */
export function authorizerValue(user: AuthorizationUser, host: AuthorizerHost): CelValue {
  return new CelValue(new Authorizer(host, user))
}

export type {
  AuthorizationDecision,
  AuthorizationRequest,
  AuthorizationUser,
  AuthorizerHost,
} from './library/authorization.js'
export { authorizationKey } from './library/authorization.js'
