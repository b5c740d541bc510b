import { hasTarget } from '../policy/call-names.js'
import type { MatchedCall } from '../policy/match.js'
import type { Requirement, Server } from '../policy/server.js'
import type { Call } from '../protocol/call.js'
import type { JsonObject } from '../protocol/json-value.js'
import type { CatalogTool, ResolvedTool } from '../rbac/tool-catalog.js'
import { authorizeByGrants, scopesMissing, type Unscoped } from './authorize-by-grants.js'
import { authorizeOperations, authorizeVirtual } from './authorize-by-rbac.js'
import { partsOf } from './call-parts.js'
import { andThen, type Eventually, firstOf } from './eventually.js'
import { failure } from './failure.js'
import { quoted } from './quoted.js'
import type { JudgedTrial, Verdict } from './trial.js'

/**
 * Stage 7: whether the call was given. Every entry of `require` must allow, for every listed principal on its own.
 * Calls without a target need `connect` only.
 */
export function authorizeCall(trial: JudgedTrial, matched: MatchedCall): Eventually<Verdict> {
  const { server, call } = trial
  const refused = refuseByCatalog(trial)
  if (refused !== undefined) return refused
  if (!hasTarget(call))
    return server.connect === 'required' ? authorizeVirtual(trial, call, 'authorization.connect') : undefined
  const parts = partsOf(call)
  if (parts.length > maxTargets) return failure('message.params', `a call may name at most ${maxTargets} targets`)
  const unscoped: Unscoped[] = []
  const verdict = eachOf(trial, parts, part =>
    authorizePart(trial, part, part === matched.call ? matched : { ...matched, call: part }, unscoped),
  )
  return andThen(verdict, settled => settled ?? scopesMissing(trial, unscoped))
}

/** The catalogue's own word, whatever the Server requires: and a call that it cannot make sense of is refused too. */
function refuseByCatalog(trial: JudgedTrial): Verdict {
  const refused = refuseByName(trial)
  if (refused !== undefined || trial.catalogTool === undefined) return refused
  const resolved = resolveTool(trial, trial.catalogTool)
  if (resolved.ok) return undefined
  return failure(resolved.reason, resolved.message, { hints: resolved.hint === undefined ? [] : [resolved.hint] })
}

/** What the catalogue does not know, or refuses, whatever the arguments. */
export function refuseByName({ server, call, catalogTool }: JudgedTrial): Verdict {
  const { target } = call
  if (server.catalog === undefined || (target.kind !== 'tool' && target.kind !== 'prompt')) return undefined
  // Put together only for a refusal: making the name safe costs more than all that is looked at here.
  const what = () => `the ${target.kind} ${quoted(target.name)}`
  if (catalogTool === undefined) {
    // A catalogue without prompts says nothing about them.
    if (target.kind === 'prompt' && server.catalog.prompts.size === 0) return undefined
    return failure(
      'authorization.tool_unknown',
      `${what()} is not one that the server "${server.name}" is known to have`,
      {
        hints: ['Use only names from the list of the server; do not invent names.'],
      },
    )
  }
  if (catalogTool.refuse === undefined) return undefined
  return failure('authorization.tool_refused', `${what()} is refused for everybody: ${catalogTool.refuse}`)
}

/** What the catalogue makes of the call; Guardrails look at it too. */
function resolveTool(trial: JudgedTrial, catalogTool: CatalogTool): ResolvedTool {
  const resolved = catalogTool.resolve(trial.call.arguments ?? noArguments, trial.server.kubernetes)
  trial.resolved = resolved
  if (resolved.ok) {
    trial.operations = resolved.operations
    trial.images = resolved.images
    trial.replicas = resolved.replicas
  }
  return resolved
}

const noArguments: JsonObject = new Map()

/** Targets of one call: each is a question to RBAC of its own. */
const maxTargets = 64

function authorizePart(
  trial: JudgedTrial,
  part: Call,
  matched: MatchedCall,
  unscoped: Unscoped[],
): Eventually<Verdict> {
  return eachOf(trial, trial.server.require, requirement =>
    authorizeRequirement(trial, part, matched, requirement, unscoped),
  )
}

/** Checks until one refuses. In Audit a refusal ends nothing: the log is to hold all that a call needs. */
function eachOf<T>(
  { server }: JudgedTrial,
  items: readonly T[],
  check: (item: T) => Eventually<Verdict>,
): Eventually<Verdict> {
  if (server.mode !== 'Audit') return firstOf(items, check)
  let refusal: Verdict
  const toTheEnd = firstOf(items, item =>
    andThen(check(item), verdict => {
      if (verdict === undefined || verdict.stage === 'dependency') return verdict
      refusal ??= verdict
      return undefined
    }),
  )
  return andThen(toTheEnd, verdict => refusal ?? verdict)
}

function authorizeRequirement(
  trial: JudgedTrial,
  call: Call,
  matched: MatchedCall,
  requirement: Requirement,
  unscoped: Unscoped[],
): Eventually<Verdict> {
  switch (requirement) {
    case 'operations':
      return authorizeOperations(trial, call)
    case 'tools': {
      const virtual = authorizeVirtual(trial, call, 'authorization.virtual')
      // A prompt that the catalogue knows reads the cluster: RBAC on the name alone would not be enough.
      const alsoOperations = call.target.kind === 'prompt' && trial.catalogTool !== undefined
      if (!alsoOperations) return virtual
      return virtual instanceof Promise
        ? virtual.then(verdict => verdict ?? authorizeOperations(trial, call))
        : (virtual ?? authorizeOperations(trial, call))
    }
    case 'grants':
      return authorizeByGrants(trial, matched, unscoped)
  }
}

/** The catalogue's word on the target of the call, if there is any. */
export function catalogEntry(server: Server, call: Call, tool: string | undefined): CatalogTool | undefined {
  if (tool !== undefined) return server.catalog?.tools.get(tool)
  return call.target.kind === 'prompt' ? server.catalog?.prompts.get(call.target.name) : undefined
}
