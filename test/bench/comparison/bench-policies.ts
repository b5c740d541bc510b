import { scaleHttpRequest, scaleRequest } from '../check-requests.js'
import { matchingGuardrails, otherGuardrails, writePolicies } from '../policies.js'
import { createTokenIssuer } from '../tokens.js'

/** The call that all are asked about, and policies of which some differ in their Guardrails alone. */
export interface BenchPolicies {
  /** A CheckRequest: 1 KiB of JSON-RPC, nineteen headers, a token of a person who acts through an agent. */
  readonly message: Buffer
  /** The same as clients send it to the gateway. */
  readonly request: Buffer
  /** Directories: three Guardrails that match, thirty that match, and three beside 300 that do not. */
  readonly three: string
  readonly thirty: string
  readonly threeAndOthers: string
  remove(): void
}

export const otherCount = 300

export function createBenchPolicies(): BenchPolicies {
  const issuer = createTokenIssuer()
  const sets = [
    matchingGuardrails(3),
    matchingGuardrails(30),
    [...matchingGuardrails(3), ...otherGuardrails(otherCount)],
  ]
  const [three, thirty, threeAndOthers] = sets.map(rules => writePolicies(issuer.jwks, {}, rules))
  const [token] = issuer.mint(1)
  if (!three || !thirty || !threeAndOthers || token === undefined) throw new Error('nothing is measured')
  return {
    message: scaleRequest(token, 3),
    request: scaleHttpRequest(token, 3),
    three: three.directory,
    thirty: thirty.directory,
    threeAndOthers: threeAndOthers.directory,
    remove: () => {
      for (const one of [three, thirty, threeAndOthers]) one.remove()
    },
  }
}
