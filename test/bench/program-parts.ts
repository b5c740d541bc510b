import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../../src/package-root.js'
import type { Code } from './server-process.js'

/** The modules that a warm call, and its answer, go through. */
export interface ProgramParts {
  readonly checkHandler: typeof import('../../src/doors/ext-authz/check-handler.js')
  readonly checkRequest: typeof import('../../src/doors/ext-authz/read-check-request.js')
  readonly processHandler: typeof import('../../src/doors/ext-proc/process-handler.js')
  readonly reviewProcessor: typeof import('../../src/doors/ext-proc/review-processor.js')
  readonly reviewExchange: typeof import('../../src/decision/review-exchange.js')
  readonly filterLists: typeof import('../../src/decision/filter-lists.js')
  readonly sessionTag: typeof import('../../src/protocol/session-tag.js')
  readonly decide: typeof import('../../src/decision/create-decide.js')
  readonly trial: typeof import('../../src/decision/trial.js')
  readonly authorizeByRbac: typeof import('../../src/decision/authorize-by-rbac.js')
  readonly authorizeCall: typeof import('../../src/decision/authorize-call.js')
  readonly classify: typeof import('../../src/protocol/mcp/classify.js')
  readonly authenticators: typeof import('../../src/identity/authenticator-source.js')
  readonly directorySource: typeof import('../../src/policy/directory-source.js')
  readonly policyStore: typeof import('../../src/policy/policy-store.js')
  readonly sarAuthorizer: typeof import('../../src/rbac/sar-authorizer.js')
  readonly metrics: typeof import('../../src/telemetry/metrics.js')
}

/**
 * Loads them as they are shipped, or from the sources. What runs sources without a build may put calls of its own into
 * them (esbuild gives every function its name at run time), so that only the former is worth measuring to the percent.
 */
export async function loadProgram(code: Code): Promise<ProgramParts> {
  const load = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(packageRoot, code, `${path}.js`)).href)
  return {
    checkHandler: await load('doors/ext-authz/check-handler'),
    checkRequest: await load('doors/ext-authz/read-check-request'),
    processHandler: await load('doors/ext-proc/process-handler'),
    reviewProcessor: await load('doors/ext-proc/review-processor'),
    reviewExchange: await load('decision/review-exchange'),
    filterLists: await load('decision/filter-lists'),
    sessionTag: await load('protocol/session-tag'),
    decide: await load('decision/create-decide'),
    trial: await load('decision/trial'),
    authorizeByRbac: await load('decision/authorize-by-rbac'),
    authorizeCall: await load('decision/authorize-call'),
    classify: await load('protocol/mcp/classify'),
    authenticators: await load('identity/authenticator-source'),
    directorySource: await load('policy/directory-source'),
    policyStore: await load('policy/policy-store'),
    sarAuthorizer: await load('rbac/sar-authorizer'),
    metrics: await load('telemetry/metrics'),
  }
}
