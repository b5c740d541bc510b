import type { CheckContext } from './check-context.js'
import { type ConfigNode, mappings } from './config-node.js'
import { enumOf } from './read-scalar.js'

/** TLS of a filter chain, with its certificates of clients. */
export function checkTransportSocket(chain: ConfigNode, { findings }: CheckContext): void {
  const socket = chain.field('transport_socket')
  if (socket === undefined) return
  for (const mapping of mappings(socket)) {
    const verification = mapping.field('trust_chain_verification')
    if (verification === undefined) continue
    if (enumOf(verification, ['VERIFY_TRUST_CHAIN', 'ACCEPT_UNTRUSTED']) !== 'VERIFY_TRUST_CHAIN')
      findings.add('envoy.untrusted_certificate', verification, 'trust_chain_verification is not VERIFY_TRUST_CHAIN')
  }
}
