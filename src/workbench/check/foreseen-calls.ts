import { type CelJson, CostBudget, type UnknownPattern } from '../../cel/environment.js'
import { limits } from '../../cel/limits.js'
import { callOf } from '../../decision/hypothetical-call.js'
import { serverVariable } from '../../policy/expression-environment.js'
import { compileMatch, type MatchedCall } from '../../policy/match.js'
import type { Foresight } from '../../policy/partial-expressions.js'
import type { Server } from '../../policy/server.js'
import type { CatalogTool } from '../../rbac/tool-catalog.js'
import type { WrittenRule } from './checked-set.js'

/** Calls of one tool, of which nothing else is known: not who makes them, nor with what arguments. */
export interface ForeseenCalls {
  readonly server: Server
  /** undefined: calls of which not even that is known. */
  readonly tool: CatalogTool | undefined
  /** @param absent an argument that they do not have */
  foresight(absent?: string): Foresight
}

/** Variables of which a call tells nothing before it is made. */
const unknown: readonly string[] = [
  'request',
  'user',
  'principal',
  'claims',
  'scopes',
  'agent',
  'actors',
  'workload',
  'tenant',
  'operations',
  'images',
  'replicas',
  'authorizer',
  'authorizer.requestResource',
]

/** The tools of the catalogue of a Server that the rule matches; undefined where any tool can be one. */
export function matchedTools({ match }: WrittenRule, server: Server): readonly CatalogTool[] | undefined {
  if (server.protocol === 'json' || server.catalog === undefined) return undefined
  const { call } = compileMatch(match)
  return [...server.catalog.tools.values()].filter(tool => call(matchedCall(server, tool)))
}

function matchedCall({ name }: Server, tool: CatalogTool): MatchedCall {
  return { server: name, call: callOf('tool', tool.name), tool: tool.name, catalogTool: tool }
}

/** Whether it is about tools, and nothing else. */
export function isAboutTools({ match }: WrittenRule): boolean {
  const { tools, access, labels } = match
  return tools !== undefined || access !== undefined || (labels !== undefined && Object.keys(labels).length > 0)
}

/** All kinds of calls that a rule matches: of each tool, and others where it is about others. */
export function callsOf(rule: WrittenRule): readonly ForeseenCalls[] {
  return rule.servers.flatMap(server => {
    const tools = matchedTools(rule, server)
    const others = isAboutTools(rule) && tools !== undefined ? [] : [callsTo(server, undefined)]
    return [...(tools ?? []).map(tool => callsTo(server, tool)), ...others]
  })
}

export function callsTo(server: Server, tool: CatalogTool | undefined): ForeseenCalls {
  const unknowns: UnknownPattern[] = unknown.map(name => [name])
  const hidden = new Set(unknown)
  const known = new Map<string, CelJson>([['server', serverVariable(server)]])
  // Through a tool that calls others, its arguments come another way.
  const listed = server.metaTools.size === 0 ? tool?.arguments : undefined
  if (tool === undefined) {
    unknowns.push(['mcp'])
    hidden.add('mcp')
  } else {
    unknowns.push(['mcp', 'params'], ['mcp', 'protocolVersion'], ['mcp', 'tool', 'via'])
    const about = new Map<string, CelJson>([
      ['name', tool.name],
      ['access', tool.access],
      ['labels', tool.labels],
    ])
    const mcp = new Map<string, CelJson>([
      ['method', 'tools/call'],
      ['tool', about],
    ])
    known.set('mcp', mcp)
  }
  if (listed !== undefined) known.set('args', new Map())
  return {
    server,
    tool,
    foresight(absent) {
      const args: UnknownPattern[] = listed === undefined ? [['args']] : []
      for (const name of listed ?? []) if (name !== absent) args.push(['args', name])
      return {
        unknowns: [...unknowns, ...args],
        activation: name => (hidden.has(name) ? undefined : known.get(name)),
        budget: new CostBudget(limits.budget * 10),
      }
    },
  }
}
