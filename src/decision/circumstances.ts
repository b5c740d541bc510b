import type { Purse } from '../policy/authorizer-questions.js'
import type { Circumstances } from '../policy/expression-environment.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { JudgedTrial } from './trial.js'

/** What the policies may see of a trial, as far as it has come. */
export function circumstancesOf(trial: JudgedTrial, purse: Purse = 'deciding'): Circumstances {
  return {
    decisionId: trial.id,
    now: trial.startedAt,
    request: trial.request,
    call: trial.call,
    server: trial.server,
    principal: trial.principal,
    tool: trial.tool,
    catalogTool: trial.catalogTool,
    operations: trial.operations,
    images: trial.images,
    replicas: trial.replicas,
    personHeaders: trial.snapshot.authenticator.onBehalfOfHeaders ?? [],
    authorizer: authorizerOf(trial),
    questions: trial.questions,
    purse,
  }
}

/**
 * Of the cluster that the call is about, so that the answer of one cluster never stands for another; that of the Server where
 * no catalogue says which that is.
 */
export function authorizerOf({ server, resolved }: JudgedTrial): Authorizer | undefined {
  return resolved?.ok === true ? server.authorizers.get(resolved.cluster) : server.authorizer
}
