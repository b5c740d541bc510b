import type { InboundRequest } from '../protocol/inbound-request.js'
import type { AcceptedAudience, ProofUse } from './authenticator.js'
import type { TokenScheme } from './bearer-token.js'
import { unverifiableBinding } from './check-token-use.js'
import { certificateThumbprint } from './client-certificate.js'
import type { DpopNonce } from './dpop/dpop-nonce.js'
import type { DpopVerifier, ProofChecked } from './dpop/dpop-verifier.js'
import type { ProofRules } from './identity-document.js'
import type { KeyBinding } from './key-binding.js'
import type { VerifiedToken } from './token-verifier.js'

/** A token as it came. */
export interface Presented {
  readonly request: InboundRequest
  readonly accepted: AcceptedAudience
  /** undefined where the gateway verified it, and we know only what it says. */
  readonly token: { readonly text: string; readonly scheme: TokenScheme } | undefined
  /** Whether a proof that is good once is used up. */
  readonly proof: ProofUse
}

/** The same token, verified, and the keys that it is bound to, if it is. */
export interface BoundToken {
  readonly token: VerifiedToken
  readonly binding: KeyBinding | undefined
}

export interface ProofMeans {
  readonly rules: ProofRules
  readonly dpop: DpopVerifier
  /** undefined when nonces are asked for and their key could not be read. */
  readonly nonce: DpopNonce | undefined
}

const proven: ProofChecked = { ok: true }
const refuse = (reason: 'identity.proof_missing' | 'identity.proof_invalid', message: string) =>
  ({ ok: false, reason, message }) as const

/**
 * Whether a token that is bound to keys came with proof of each of them. The scheme DPoP and a token bound to a DPoP key
 * belong together, both ways (RFC 9449, section 7.1): a stolen one must not become a bearer token by another word.
 */
export function checkKeyProof(
  presented: Presented,
  { token: verified, binding }: BoundToken,
  means: ProofMeans,
): ProofChecked | Promise<ProofChecked> {
  const { rules, dpop, nonce } = means
  const { token, request, accepted } = presented
  const { jkt, certificate } = binding ?? { jkt: undefined, certificate: undefined }
  if (jkt === undefined && token?.scheme === 'DPoP')
    return refuse(
      'identity.proof_invalid',
      'The access token is not bound to a DPoP key; send it with the scheme Bearer.',
    )
  if (certificate !== undefined) {
    const checked = rules.mtls ? checkCertificate(request, certificate) : unverifiableBinding
    if (!checked.ok) return checked
  }
  if (jkt === undefined) return proven
  // A proof covers the text of the token, which we do not have where the gateway verified it.
  if (rules.dpop === undefined || token === undefined) return unverifiableBinding
  if (token.scheme !== 'DPoP')
    return refuse(
      'identity.proof_missing',
      'The access token is bound to a key; send it as "Authorization: DPoP <token>", with a proof in the header DPoP.',
    )
  if (rules.dpop.nonceKeyFile !== undefined && nonce === undefined)
    return {
      ok: false,
      reason: 'dependency.keys_unavailable',
      message: 'The key for DPoP nonces is not available, so proofs cannot be checked; try again.',
    }
  return dpop.check(
    { request, token: token.text, jkt, owner: ownerOf(verified), urls: accepted.urls },
    { leeway: rules.dpop.leeway, nonce },
    presented.proof,
  )
}

function ownerOf({ issuer, claims }: VerifiedToken): string {
  const subject = claims.get('sub')
  return JSON.stringify([issuer, typeof subject === 'string' ? subject : ''])
}

function checkCertificate({ listener, peer }: InboundRequest, expected: string): ProofChecked {
  if (listener.trust === 'none')
    return {
      ok: false,
      reason: 'identity.gateway_untrusted',
      message:
        'The access token is bound to a client certificate, which only a gateway that is known can tell (listener trust is none).',
    }
  const { certificate, certificateThumbprint: told } = peer
  if (certificate === undefined && told === undefined)
    return refuse(
      'identity.proof_missing',
      'The access token is bound to a client certificate, and the connection to the gateway has none.',
    )
  // Of a certificate that is shown we trust our own digest.
  return (certificate === undefined ? told : certificateThumbprint(certificate)) === expected
    ? proven
    : refuse('identity.proof_invalid', 'The access token is bound to another certificate than that of the connection.')
}
