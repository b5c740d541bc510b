import { algorithms } from '../algorithms.js'
import type { ChallengeInput } from '../challenge.js'

/**
 * What a challenge for DPoP says beside the one for Bearer (RFC 9449, sections 7.1 and 8), given the reason of the denial;
 * undefined when the denial is not about a proof.
 */
export function dpopChallenge(reason: string): Pick<ChallengeInput, 'scheme' | 'error' | 'algs'> | undefined {
  switch (reason) {
    case 'identity.proof_missing':
    case 'identity.proof_invalid':
    case 'identity.proof_replayed':
      return { scheme: 'DPoP', error: 'invalid_dpop_proof', algs: algorithms }
    case 'identity.proof_nonce':
      return { scheme: 'DPoP', error: 'use_dpop_nonce', algs: algorithms }
    default:
      return undefined
  }
}
