import * as z from 'zod'
import type { Principal } from '../identity/principal.js'
import type { Call } from '../protocol/call.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { hasTarget, mayHaveTarget, mayTouch, methodName } from './call-names.js'
import { compileGlobs } from './glob.js'

const patterns = z.array(z.string().min(1)).min(1)
const subject = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('User'), name: z.string().min(1) }),
  z.strictObject({ kind: z.literal('Group'), name: z.string().min(1) }),
  z.strictObject({ kind: z.literal('ServiceAccount'), name: z.string().min(1), namespace: z.string().min(1) }),
])
const agent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('Agent'),
    name: z
      .string()
      .min(1)
      .refine(
        name => name === '*' || name.includes(':'),
        'An agent is named by its issuer\'s alias and its id, "alias:id"; "*:id" is the id of any issuer',
      ),
  }),
  z.strictObject({ kind: z.literal('Workload'), name: z.string().min(1) }),
])

const matchFields = z.strictObject({
  servers: patterns.optional(),
  methods: patterns.optional(),
  tools: patterns.optional(),
  prompts: patterns.optional(),
  resources: patterns.optional(),
  access: z
    .array(z.enum(['read', 'write', 'delete', 'exec', 'sensitive']))
    .min(1)
    .optional(),
  labels: z.record(z.string(), z.union([z.string(), patterns])).optional(),
  subjects: z.array(subject).min(1).optional(),
  agents: z.array(agent).min(1).optional(),
})

/** The schema of `match`, the same in Grant, Guardrail and Enrichment. Absent = any; lists are any-of; `*` is the only wildcard. */
export const matchSchema = matchFields.superRefine(possible)
/** That of a Grant, which must say where it gives. */
export const grantMatchSchema = matchFields.extend({ servers: patterns }).superRefine(possible)
export type MatchSpec = z.infer<typeof matchSchema>

/** A rule that no call can meet compiles to nothing, which for a Guardrail would be leave to do everything. */
function possible({ tools, access, labels, prompts }: z.infer<typeof matchFields>, issues: z.RefinementCtx): void {
  const other = tools ? 'tools' : access ? 'access' : labels ? 'labels' : undefined
  if (prompts === undefined || other === undefined) return
  const message = `no call is of both a prompt and a tool, so that prompts beside ${other} match nothing; write two documents`
  issues.addIssue({ code: 'custom', path: ['prompts'], message })
}

/** What of a call `match` looks at, beside who makes it. */
export interface MatchedCall {
  readonly server: string
  readonly call: Call
  /** Un-prefixed; undefined unless it is a tools/call. */
  readonly tool: string | undefined
  readonly catalogTool: CatalogTool | undefined
}

/** What is known of a call when its answer comes. */
export interface AnsweredCall {
  readonly server: string
  /** undefined: it may be the answer to any. */
  readonly method: string | undefined
  /** Un-prefixed; undefined where it is not known, or it is no call of a tool. */
  readonly tool: string | undefined
  readonly catalogTool: CatalogTool | undefined
}

export interface Match {
  /** Whether this could ever match a call of that server. */
  server(name: string): boolean
  /** The part that depends on server, method and target only: the same for every caller. */
  call(matched: MatchedCall): boolean
  /** Whether it could be about a call of which no more than this is known any more. */
  answer(answered: AnsweredCall): boolean
  /** As {@link call}, without `resources`: for calls of which the uri is not known yet. */
  besideResources(matched: MatchedCall): boolean
  /** Patterns of uris; undefined: any resource, and what is none. */
  readonly resources: readonly string[] | undefined
  /** The part that depends on who asks. `claimedAgents`: whether an agent that nobody attested counts. */
  caller(principal: Principal, claimedAgents: boolean): boolean
  /** As {@link caller}, for the agents alone. */
  agents(principal: Principal, claimedAgents: boolean): boolean
  /** What it was compiled from, for indexes. */
  readonly spec: MatchSpec
  readonly serversGiven: boolean
  readonly subjectsGiven: boolean
  readonly agentsGiven: boolean
}

export function compileMatch(spec: MatchSpec): Match {
  const servers = spec.servers && compileGlobs(spec.servers)
  const methods = spec.methods && compileGlobs(spec.methods)
  const tools = spec.tools && compileGlobs(spec.tools)
  const prompts = spec.prompts && compileGlobs(spec.prompts)
  const resources = spec.resources && compileGlobs(spec.resources)
  const access = spec.access && new Set<string>(spec.access)
  const labels = Object.entries(spec.labels ?? {}).map(
    ([key, value]) => [key, compileGlobs(typeof value === 'string' ? [value] : value)] as const,
  )
  const toolsOnly = tools !== undefined || access !== undefined || labels.length > 0
  const subjects = spec.subjects?.map(compileSubject)
  const agents = spec.agents?.map(compileAgent)
  const agentsMatch = (principal: Principal, claimedAgents: boolean): boolean =>
    agents === undefined || agents.some(matches => matches(principal, claimedAgents))

  const toolMatches = (tool: string, catalogTool: CatalogTool | undefined): boolean => {
    if (tools !== undefined && !tools(tool)) return false
    if (access !== undefined && !(catalogTool && access.has(catalogTool.access))) return false
    return labels.every(([key, matches]) => {
      const value = catalogTool?.labels.get(key)
      return value !== undefined && matches(value)
    })
  }

  const besideResources = (matched: MatchedCall): boolean => {
    if (servers !== undefined && !servers(matched.server)) return false
    const method = methodName(matched.call)
    if (methods !== undefined ? !methods(method) : !hasTarget(matched.call)) return false
    if (toolsOnly) {
      if (matched.tool === undefined) return false
      if (!toolMatches(matched.tool, matched.catalogTool)) return false
    }
    const { target } = matched.call
    return prompts === undefined || (target.kind === 'prompt' && prompts(target.name))
  }

  /** What is not known may be what the rule is about. */
  const couldMatch = ({ server, method, tool, catalogTool }: AnsweredCall): boolean => {
    if (servers !== undefined && !servers(server)) return false
    if (method !== undefined) {
      if (methods !== undefined ? !methods(method) : !mayHaveTarget(method)) return false
      if (toolsOnly && !mayTouch(method, 'tool')) return false
      if (prompts !== undefined && !mayTouch(method, 'prompt')) return false
      if (resources !== undefined && !mayTouch(method, 'resource')) return false
    }
    if (!toolsOnly || tool === undefined) return true
    return toolMatches(tool, catalogTool)
  }

  return {
    server: name => servers === undefined || servers(name),
    besideResources,
    resources: spec.resources,
    call(matched) {
      if (!besideResources(matched)) return false
      if (resources === undefined) return true
      const { target } = matched.call
      if (target.kind === 'resource' && resources(target.name)) return true
      return matched.call.alsoTargets.some(also => also.kind === 'resource' && resources(also.name))
    },
    caller(principal, claimedAgents) {
      if (subjects !== undefined && !subjects.some(matches => matches(principal))) return false
      return agentsMatch(principal, claimedAgents)
    },
    agents: agentsMatch,
    answer: answered => couldMatch(answered),
    spec,
    serversGiven: servers !== undefined,
    subjectsGiven: subjects !== undefined,
    agentsGiven: agents !== undefined,
  }
}

function compileSubject(spec: z.infer<typeof subject>): (principal: Principal) => boolean {
  switch (spec.kind) {
    case 'User': {
      const matches = compileGlobs([spec.name])
      return principal => matches(principal.user.username)
    }
    case 'Group': {
      const matches = compileGlobs([spec.name])
      return principal => principal.user.groups.some(matches)
    }
    case 'ServiceAccount': {
      const matches = compileGlobs([`system:serviceaccount:${spec.namespace}:${spec.name}`])
      return principal => matches(principal.user.username)
    }
  }
}

function compileAgent(spec: z.infer<typeof agent>): (principal: Principal, claimedAgents: boolean) => boolean {
  const matches = compileGlobs([spec.name])
  switch (spec.kind) {
    case 'Agent':
      return ({ agent }, claimedAgents) =>
        agent.id !== '' &&
        (agent.assurance === 'attested' || (claimedAgents && agent.assurance === 'claimed')) &&
        matches(`${agent.issuer}:${agent.id}`)
    case 'Workload':
      return ({ workload }) => workload !== '' && matches(workload)
  }
}
