import { CelValue } from './environment.js'
import type { AuthorizationUser, AuthorizerHost } from './library/authorization.js'
import { Authorizer, type CheckedResource, ResourceCheck } from './library/authz-values.js'

/**
 * The value of a variable of the type `kubernetes.authorization.Authorizer`, which asks `host` about `user`. One value
 * serves any number of evaluations; a host that belongs to one request belongs to that request's value.
 */
export function authorizerValue(user: AuthorizationUser, host: AuthorizerHost): CelValue {
  return new CelValue(new Authorizer(host, user))
}

/** The value of a variable of the type `kubernetes.authorization.ResourceCheck`, which asks about this resource. */
export function resourceCheckValue(user: AuthorizationUser, host: AuthorizerHost, resource: CheckedResource): CelValue {
  return new CelValue(new ResourceCheck(new Authorizer(host, user), resource))
}

export type {
  AuthorizationDecision,
  AuthorizationRequest,
  AuthorizationUser,
  AuthorizerHost,
  ResourceRequest,
} from './library/authorization.js'
export { authorizationKey } from './library/authorization.js'
export type { CheckedResource } from './library/authz-values.js'
export type { FieldRequirement } from './library/field-selector.js'
export type { LabelRequirement } from './library/label-selector.js'
