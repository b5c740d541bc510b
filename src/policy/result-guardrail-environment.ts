import { createCelEnvironment } from '../cel/create-environment.js'
import type { Activation, CelEnvironment, CelInput, CelJson, CelType, Compiled } from '../cel/environment.js'
import type { Principal } from '../identity/principal.js'
import type { JsonValue } from '../protocol/json-value.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { policyEnvironment, principalVariable, serverVariable } from './expression-environment.js'
import type { Server } from './server.js'

/** What a rule is about: calls, or what comes back. */
export type RuleSide = 'request' | 'response'

const variables = {
  request: 'map',
  mcp: 'map',
  server: 'map',
  user: 'map',
  principal: 'map',
  claims: 'map',
  scopes: 'list(string)',
  agent: 'map(string, string)',
  actors: 'list(map(string, string))',
  workload: 'string',
  tenant: 'string',
  variables: 'map',
  result: 'map',
} as const satisfies Record<string, CelType>
type ResultVariable = keyof typeof variables

/** For all expressions of Guardrails about results. */
export const resultEnvironment: CelEnvironment = createCelEnvironment(variables)

/** Of everything that any Guardrail can read: to tell what is in the wrong place from what is nowhere. */
const everything: CelEnvironment = createCelEnvironment({
  ...Object.fromEntries(policyEnvironment.variables),
  ...variables,
})

/** What is known of these when an answer comes. */
const members: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['request', new Set(['host', 'path', 'time'])],
  ['mcp', new Set(['method', 'tool'])],
])

export interface Misplaced {
  readonly message: string
  readonly hint: string
}

/** What an expression reads that is not known on its side; undefined if there is no such thing. */
export function misplacedIn(
  side: RuleSide,
  source: string,
  result: 'bool' | 'string' | 'dyn',
  compiled: Compiled,
): Misplaced | undefined {
  if (!compiled.ok) {
    const read = everything.compile(source, result)
    if (!read.ok) return undefined
    const known = side === 'response' ? resultEnvironment : policyEnvironment
    const names = [...read.program.variables].filter(name => !known.variables.has(name))
    const name = names.find(one => !one.includes('.')) ?? names[0]
    if (name === undefined) return undefined
    return side === 'response' ? unknownLater(name) : unknownYet(name)
  }
  if (side === 'request') return undefined
  for (const { name, of } of compiled.program.members) {
    const [variable = '', ...deeper] = of
    if (deeper.length === 0 && members.get(variable)?.has(name) === false) return unknownLater(`${variable}.${name}`)
  }
  return undefined
}

function unknownLater(name: string): Misplaced {
  return {
    message: `${name} is not known when the answer comes`,
    hint: 'judge what was asked for in a Guardrail with on: request; here there are result, mcp.method, mcp.tool, request.host, request.path, request.time, server, and who asked',
  }
}

function unknownYet(name: string): Misplaced {
  return {
    message: `${name} is not known before the answer comes`,
    hint: 'write on: response for a Guardrail about results',
  }
}

/** All that a Guardrail about results may look at. What is undefined is absent: reading it is an error, which withholds. */
export interface ResultCircumstances {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly host: string
  readonly path: string
  readonly server: Server
  readonly principal: Principal
  readonly method: string | undefined
  readonly tool: string | undefined
  readonly catalogTool: CatalogTool | undefined
  /** Read when it is asked for, and only then; undefined where there is none, or none that can be read in one way only. */
  result(): JsonValue | undefined
}

/** Serves the variables of one answer, each built when first read and at most once. */
export function resultActivationOf(circumstances: ResultCircumstances): Activation {
  const built = new Map<string, CelInput | undefined>()
  return name => {
    if (built.has(name)) return built.get(name)
    const value = isResultVariable(name) ? build(name, circumstances) : undefined
    built.set(name, value)
    return value
  }
}

function isResultVariable(name: string): name is ResultVariable {
  return Object.hasOwn(variables, name)
}

function build(name: ResultVariable, c: ResultCircumstances): CelInput | undefined {
  switch (name) {
    case 'request':
      return new Map<string, CelJson>([
        ['host', c.host],
        ['path', c.path],
        ['time', new Date(c.now)],
      ])
    case 'mcp':
      return mcpVariable(c)
    case 'result':
      return c.result()
    case 'server':
      return serverVariable(c.server)
    case 'variables':
      // Served by the policy itself, which wraps this activation.
      return undefined
    default:
      return principalVariable(name, c.principal)
  }
}

function mcpVariable({ method, tool, catalogTool }: ResultCircumstances): CelJson {
  const mcp = new Map<string, CelJson>()
  if (method !== undefined) mcp.set('method', method)
  if (tool !== undefined) {
    const about = new Map<string, CelJson>([['name', tool]])
    if (catalogTool) about.set('access', catalogTool.access).set('labels', catalogTool.labels)
    mcp.set('tool', about)
  }
  return mcp
}
