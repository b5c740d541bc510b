import { visibleText } from '../../documents/visible-text.js'
import type { Server } from '../../policy/server.js'
import { type AgentDraft, type Draft, type PlainJson, plainTime } from './draft.js'
import { type MadeCall, paramsOf, type Target } from './target.js'

/** The smallest call found that shows a difference. */
export interface DiffExample {
  readonly server: string
  readonly method: string
  /** As clients call it; "" of a method without a target. */
  readonly name: string
  readonly user: string
  readonly groups: readonly string[]
  readonly agent: AgentDraft | undefined
  readonly scopes: readonly string[]
  readonly tenant: string | undefined
  readonly workload: string
  readonly kind: Draft['kind']
  readonly claims: PlainJson
  readonly headers: Readonly<Record<string, string>>
  readonly address: string
  /** Set where the policies look at the time. */
  readonly at: string | undefined
  readonly arguments: PlainJson
}

export function exampleOf(target: Target, { draft }: MadeCall, server: Server): DiffExample {
  const { kind, name, dimensions } = target
  const timed = draft.now !== plainTime || dimensions.some(one => one.name === 'time')
  const { user, groups, agent, scopes, tenant, workload, claims, headers, address, args } = draft
  return {
    ...{ server: target.server, method: methodOf(target), name: shownName(kind, name, server) },
    ...{ user, groups: [...groups], agent, scopes, tenant, workload, kind: draft.kind, claims },
    ...{ headers: Object.fromEntries(headers), address },
    at: timed ? new Date(draft.now).toISOString() : undefined,
    arguments: args,
  }
}

function methodOf({ kind, name }: Target): string {
  return { tool: 'tools/call', prompt: 'prompts/get', resource: 'resources/read', json: '', method: name }[kind]
}

function shownName(kind: Target['kind'], name: string, { toolPrefix }: Server): string {
  if (kind === 'tool') return toolPrefix + name
  return kind === 'prompt' || kind === 'resource' ? name : ''
}

/** What `can-i` is asked, without the policies; undefined where no flag can say it. */
export function canICommand(example: DiffExample): string | undefined {
  const { server, method, name, user, groups, agent, scopes, tenant, workload, kind, claims, headers, address, at } =
    example
  const named = Object.keys(Object(claims)).length > 0
  if (method === '' || kind !== 'user' || agent?.assurance === 'claimed' || address !== '') return undefined
  const words = ['mcp-authz', 'can-i', ...(method === 'tools/call' ? ['call'] : [method])]
  words.push(quoted(name === '' ? server : `${server}/${name}`), '--as', quoted(user))
  for (const group of groups) words.push('--as-group', quoted(group))
  if (agent !== undefined) words.push('--agent', quoted(`${agent.issuer}:${agent.id}`))
  for (const scope of scopes) words.push('--scope', quoted(scope))
  if (tenant !== undefined) words.push('--tenant', quoted(tenant))
  if (workload !== '') words.push('--workload', quoted(workload))
  if (named) words.push('--claims', quoted(JSON.stringify({ sub: user, ...Object(claims) })))
  for (const [header, value] of Object.entries(headers)) words.push('--header', quoted(`${header}=${value}`))
  if (at !== undefined) words.push('--at', at)
  const params = name === '' ? paramsOf(method) : undefined
  if (method === 'tools/call' || method === 'prompts/get')
    words.push('--args', quoted(JSON.stringify(example.arguments)))
  else if (params !== undefined) words.push('--params', quoted(params))
  const command = words.join(' ')
  // Made visible, it would not say the same to a shell any more.
  return visibleText(command) === command ? command : undefined
}

/** For a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
