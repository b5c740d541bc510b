import type { Decision } from '../../decision/decision.js'
import { type EmergencyReason, emergencyDecision } from '../../decision/emergency-decision.js'

/** The error in which an exchange ends of which we could not see the request to its end. */
export function requestError(reason: EmergencyReason): Decision {
  switch (reason) {
    case 'message.too_large':
      return emergencyDecision(reason, 'The request is larger than the authorization service accepts')
    case 'message.encoding':
      return emergencyDecision(reason, 'The authorization service could not read the request')
    case 'dependency.timeout':
      return emergencyDecision(reason, 'The authorization service could not decide in time')
    case 'dependency.overloaded':
      return emergencyDecision(reason, 'The authorization service has too many requests waiting')
    case 'internal.error':
    case 'policy.not_loaded':
      return emergencyDecision('internal.error', 'The authorization service failed')
  }
}

/** What is wrong with an answer of the server, or with how we are shown it, is not the client's to mend: never a 4xx. */
export function responseError(reason: EmergencyReason): Decision {
  switch (reason) {
    case 'dependency.timeout':
      return emergencyDecision(reason, "The server's answer could not be checked in time")
    case 'dependency.overloaded':
      return emergencyDecision(reason, "The authorization service has too many answers waiting to check the server's")
    default:
      return emergencyDecision('internal.error', "The server's answer could not be checked")
  }
}
