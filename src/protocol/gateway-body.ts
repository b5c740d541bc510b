import { agentgatewayBody } from './agentgateway-body.js'
import { envoyBody, type GatewayBodyInput } from './envoy-body.js'
import type { GatewayProfile, RequestBody } from './inbound-request.js'

/** Whether the gateway of this profile sent the whole body: each of them proves it in its own way, or not at all. */
export function gatewayBody(profile: GatewayProfile, input: GatewayBodyInput): RequestBody {
  switch (profile) {
    case 'envoy':
      return envoyBody(input)
    case 'agentgateway':
      return agentgatewayBody(input)
  }
}
