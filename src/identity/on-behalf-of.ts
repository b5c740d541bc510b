import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Authenticated } from './authenticator.js'
import { maxTokenBytes } from './bearer-token.js'
import { checkTokenUse, unverifiableBinding } from './check-token-use.js'
import { type Delegated, delegatedByName, delegatedByToken } from './delegated-principal.js'
import { andThen, type Eventually } from './eventually.js'
import type { IdentityConfiguration } from './identity-configuration.js'
import { namedPerson, ruleFor } from './on-behalf-of-rule.js'
import type { Principal } from './principal.js'
import type { PrincipalMapper } from './principal-mapper.js'
import type { Verification, VerifiedToken } from './token-verifier.js'

const refused = (message: string): Authenticated => ({ ok: false, reason: 'identity.on_behalf_of', message })

/**
 * The people for whom software says that it acts, in a header beside its own token (`Identity.spec.onBehalfOf`). Whoever
 * sends such a header and may not is denied, because the server behind might believe it. What is wrong with the token of the
 * person is never answered as it would be for the caller's own: a client that logs in anew would change nothing.
 */
export class OnBehalfOf {
  readonly #configuration: IdentityConfiguration
  readonly #mapper: PrincipalMapper
  readonly #delegated = new WeakMap<Principal, { readonly presenter: Principal; readonly delegated: Delegated }>()

  constructor(configuration: IdentityConfiguration, mapper: PrincipalMapper) {
    this.#configuration = configuration
    this.#mapper = mapper
  }

  /** The presenter as it is when it names nobody. `verify` checks the signature of a token. */
  apply(
    presented: Authenticated & { readonly ok: true },
    request: InboundRequest,
    verify: (token: string) => Eventually<Verification>,
  ): Eventually<Authenticated> {
    const { onBehalfOf } = this.#configuration
    if (onBehalfOf.length === 0) return presented
    const { principal: presenter } = presented
    const named = namedPerson(onBehalfOf, request)
    if (named.kind === 'none') return presented
    if (named.kind === 'several')
      return refused('The request names more than one person on whose behalf it comes; name one.')
    const { header, value } = named
    if (request.listener.trust === 'none')
      return {
        ok: false,
        reason: 'identity.gateway_untrusted',
        message: `The header ${header} counts only behind a gateway that is known (listener trust is none).`,
      }
    const rule = ruleFor(onBehalfOf, header, presenter)
    if (rule === undefined)
      return refused(`This caller may not act for others, so it may not send the header ${header}.`)
    if (rule.format === 'plain') return delegatedByName(presenter, value, rule)
    if (value.length > maxTokenBytes) return refused(`The token in ${header} is longer than ${maxTokenBytes} bytes.`)
    return andThen(verify(value), verification => {
      const person = verification.ok ? this.#person(verification.token, rule.audiences) : verification
      if (person.ok) return this.#join(presenter, person.principal)
      return person.reason.startsWith('dependency.')
        ? person
        : refused(`The token in ${header} is refused: ${person.message}`)
    })
  }

  /** Like the caller's own token, but for other audiences, and without any proof, so that a bound one is refused. */
  #person(token: VerifiedToken, audiences: readonly string[]): Authenticated {
    const issuer = this.#configuration.issuers.get(token.issuer)
    if (issuer === undefined) return refused('it comes from an issuer that is not configured here.')
    const use = checkTokenUse(token.claims, token.typ, audiences, issuer.configuration.audiences)
    if (!use.ok) return use
    if (use.binding !== undefined) return unverifiableBinding
    return this.#mapper.map(token.claims, issuer, token.expiresAt, '')
  }

  /** The same object for the same two tokens, as without a person: headers and records are kept by it. */
  #join(presenter: Principal, person: Principal): Authenticated {
    const known = this.#delegated.get(person)
    if (known?.presenter === presenter) return known.delegated
    const delegated = delegatedByToken(presenter, person)
    this.#delegated.set(person, { presenter, delegated })
    return delegated
  }
}
