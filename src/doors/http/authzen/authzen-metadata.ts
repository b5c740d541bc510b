export const authzenMetadataPath = '/.well-known/authzen-configuration'
export const evaluationPath = '/access/v1/evaluation'
export const evaluationsPath = '/access/v1/evaluations'

/**
 * The metadata document of a policy decision point (AuthZEN Authorization API 1.0, section "Policy Decision Point
 * Metadata"). The search endpoints are not offered, and so not named.
 * @param identifier `https://host[:port]`, as gateways know us
 */
export function authzenMetadata(identifier: string): string {
  return JSON.stringify({
    policy_decision_point: identifier,
    access_evaluation_endpoint: `${identifier}${evaluationPath}`,
    access_evaluations_endpoint: `${identifier}${evaluationsPath}`,
  })
}
