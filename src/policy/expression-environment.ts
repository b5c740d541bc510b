import {
  type AuthorizerHost,
  authorizerValue,
  type CheckedResource,
  resourceCheckValue,
} from '../cel/authorizer-value.js'
import { createCelEnvironment } from '../cel/create-environment.js'
import {
  type Activation,
  type CelEnvironment,
  type CelInput,
  type CelJson,
  type CelType,
  viewOf,
} from '../cel/environment.js'
import type { Actor, Agent, Principal, UserInfo } from '../identity/principal.js'
import type { Call } from '../protocol/call.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { Operation } from '../rbac/operation.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { AuthorizerQuestions, Purse } from './authorizer-questions.js'
import { methodName } from './call-names.js'
import type { Server } from './server.js'

/** The variables of every policy expression, with their types. The names are API: docs/documents.md lists them. */
const everywhere = {
  request: 'map',
  mcp: 'map',
  args: 'map',
  server: 'map',
  user: 'map',
  principal: 'map',
  claims: 'map',
  scopes: 'list(string)',
  agent: 'map(string, string)',
  actors: 'list(map(string, string))',
  workload: 'string',
  tenant: 'string',
  operations: 'list(map(string, dyn))',
  images: 'list(string)',
  replicas: 'list(int)',
  variables: 'map',
} as const satisfies Record<string, CelType>

/** Those that ask the authorizer of the cluster: only where a decision can wait for the answer, and what it is can deny. */
const asking = {
  authorizer: 'kubernetes.authorization.Authorizer',
  'authorizer.requestResource': 'kubernetes.authorization.ResourceCheck',
} as const satisfies Record<string, CelType>

const variables = { ...everywhere, ...asking }
export type PolicyVariable = keyof typeof variables

/** For match conditions, variables and validations of Grants and Guardrails. */
export const policyEnvironment: CelEnvironment = createCelEnvironment(variables)

/** For all other expressions of policies. */
export const quietEnvironment: CelEnvironment = createCelEnvironment(everywhere)

/** Whether an expression with these variables asks the authorizer itself. */
export function asksAuthorizer(read: ReadonlySet<string>): boolean {
  return Object.keys(asking).some(name => read.has(name))
}

/** All that a policy may look at. What is undefined is absent: reading it is an error, and an error denies. */
export interface Circumstances {
  readonly decisionId: string
  readonly now: number
  readonly request: InboundRequest
  readonly call: Call
  readonly server: Server
  readonly principal: Principal
  readonly tool: string | undefined
  readonly catalogTool: CatalogTool | undefined
  readonly operations: readonly Operation[] | undefined
  readonly images: readonly string[] | undefined
  readonly replicas: readonly bigint[] | undefined
  /** Headers in which software shows tokens of the people for whom it acts. */
  readonly personHeaders?: readonly string[]
  /** Of the cluster that the call is about; undefined when that is not known here. */
  readonly authorizer: Authorizer | undefined
  readonly questions: AuthorizerQuestions
  /** Whose questions those of these expressions are. */
  readonly purse: Purse
}

/** Serves the variables of one call, each built when first read and at most once. */
export function activationOf(circumstances: Circumstances): Activation {
  const built = new Map<string, CelInput | undefined>()
  return name => {
    const known = built.get(name)
    if (known !== undefined || built.has(name)) return known
    const value = build(name, circumstances)
    built.set(name, value)
    return value
  }
}

function isPolicyVariable(name: string): name is PolicyVariable {
  return Object.hasOwn(variables, name)
}

function build(name: string, c: Circumstances): CelInput | undefined {
  if (!isPolicyVariable(name)) return undefined
  switch (name) {
    case 'request':
      return requestVariable(c)
    case 'mcp':
      return mcpVariable(c)
    case 'args':
      return c.call.arguments ?? (c.call.protocol === 'json' ? c.call.params : undefined) ?? new Map()
    case 'server':
      return serverVariable(c.server)
    case 'user':
    case 'principal':
    case 'claims':
    case 'scopes':
    case 'agent':
    case 'actors':
    case 'workload':
    case 'tenant':
      return principalVariable(name, c.principal)
    case 'operations':
      return c.operations?.map(operationVariable)
    case 'images':
      return c.images
    case 'replicas':
      return c.replicas
    case 'variables':
      // Served by the policy itself, which wraps this activation.
      return undefined
    case 'authorizer': {
      const host = hostOf(c)
      return host && authorizerValue('caller', host)
    }
    case 'authorizer.requestResource': {
      const host = hostOf(c)
      const resource = oneResource(c.operations ?? [])
      return host && resource && resourceCheckValue('caller', host, resource)
    }
  }
}

export const serverVariable = viewOf<Server>({
  name: server => server.name,
  namespace: server => server.namespace,
  labels: server => server.labels,
})

/** Variables that say who asks. */
export type PrincipalVariable = 'user' | 'principal' | 'claims' | 'scopes' | 'agent' | 'actors' | 'workload' | 'tenant'

const userVariable = viewOf<UserInfo>({
  username: user => user.username,
  uid: user => user.uid,
  groups: user => user.groups,
  extra: user => user.extra,
})

const askingVariable = viewOf<Principal>({
  kind: principal => principal.kind,
  throughAgent: principal => principal.throughAgent,
})

const agentVariable = viewOf<Agent>({
  id: agent => agent.id,
  issuer: agent => agent.issuer,
  assurance: agent => agent.assurance,
})

const actorVariable = viewOf<Actor>({
  subject: actor => actor.subject,
  issuer: actor => actor.issuer,
})

export function principalVariable(name: PrincipalVariable, asking: Principal): CelJson | undefined {
  switch (name) {
    case 'user':
      return userVariable(asking.user)
    case 'principal':
      return askingVariable(asking)
    case 'claims':
      return asking.claims
    case 'scopes':
      return asking.scopes
    case 'agent':
      return agentVariable(asking.agent)
    case 'actors':
      return asking.actors.map(actorVariable)
    case 'workload':
      return asking.workload
    case 'tenant':
      return asking.tenant
  }
}

function hostOf({ authorizer, questions, principal, purse }: Circumstances): AuthorizerHost | undefined {
  return authorizer && questions.of(authorizer, principal.user).host(purse)
}

/** The resource of all operations, whatever their verbs (`create` and `patch` of one manifest); undefined if there are several. */
function oneResource(operations: readonly Operation[]): CheckedResource | undefined {
  const [first, ...others] = operations
  if (first === undefined) return undefined
  const { group, resource, subresource, namespace, name } = first
  const same = others.every(
    other =>
      other.group === group &&
      other.resource === resource &&
      other.subresource === subresource &&
      other.namespace === namespace &&
      other.name === name,
  )
  return same ? { group, resource, subresource, namespace, name } : undefined
}

/** Headers that carry authority or a session never reach an expression: a policy must not be built on them. */
const hiddenHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'dpop',
  'x-on-behalf-of',
  'kubernetes-authorization',
  'mcp-session-id',
])

/** And neither do those that only repeat arguments, which nobody checks where the tool's schema is not known. */
const hiddenPrefixes = ['impersonate-', 'x-mcp-authz-', 'mcp-param-']

function requestVariable({ request, now, decisionId, personHeaders = [] }: Circumstances): CelJson {
  const headers = new Map<string, CelJson>()
  for (const name of request.headers.names()) {
    if (
      hiddenHeaders.has(name) ||
      personHeaders.includes(name) ||
      hiddenPrefixes.some(prefix => name.startsWith(prefix))
    )
      continue
    headers.set(name, request.headers.all(name).join(','))
  }
  return new Map<string, CelJson>([
    ['id', decisionId],
    ['time', new Date(now)],
    ['method', request.method],
    ['host', request.authority],
    ['path', request.path],
    ['headers', headers],
    ['sourceAddress', request.peer.address],
  ])
}

function mcpVariable({ call, tool, catalogTool }: Circumstances): CelJson {
  const mcp = new Map<string, CelJson>([['method', methodName(call)]])
  if (call.version !== undefined) mcp.set('protocolVersion', call.version)
  if (tool !== undefined) {
    const about = new Map<string, CelJson>([['name', tool]])
    if (call.via !== undefined) about.set('via', call.via)
    if (catalogTool) about.set('access', catalogTool.access).set('labels', catalogTool.labels)
    mcp.set('tool', about)
  }
  if (call.target.kind === 'prompt') mcp.set('prompt', new Map([['name', call.target.name]]))
  if (call.target.kind === 'resource') mcp.set('resource', new Map([['uri', call.target.name]]))
  if (call.params !== undefined) mcp.set('params', call.params)
  return mcp
}

const operationVariable = viewOf<Operation>({
  verb: operation => operation.verb,
  group: operation => operation.group,
  version: operation => operation.version,
  resource: operation => operation.resource,
  subresource: operation => operation.subresource,
  namespace: operation => operation.namespace,
  name: operation => operation.name,
  clusterScoped: operation => operation.clusterScoped,
  object: operation => operation.object,
})
