import type { Circumstances } from '../policy/expression-environment.js'
import type { JudgedTrial } from './trial.js'

/** What the policies may see of a trial, as far as it has come. */
export function circumstancesOf(trial: JudgedTrial): Circumstances {
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
  }
}
