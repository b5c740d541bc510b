import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Authenticated } from './authenticator.js'

/** Context extension in which the operator says whose tenant a route is; clients cannot set it. */
const tenantExtension = 'mcp-tenant'

/** A route of one tenant takes nobody of another, and nobody of whom it is not known: an issuer could leave the claim out. */
export function inRouteTenant(authenticated: Authenticated, { context }: InboundRequest): Authenticated {
  const expected = context.extensions.get(tenantExtension)
  if (expected === undefined || !authenticated.ok) return authenticated
  const { tenant } = authenticated.principal
  if (tenant === expected) return authenticated
  return {
    ok: false,
    reason: 'identity.tenant_conflict',
    message:
      tenant === undefined
        ? 'The route belongs to one tenant, and that of the caller is not known (Identity.spec.tenant).'
        : 'The caller belongs to another tenant than the route; use the address of your own tenant.',
  }
}
