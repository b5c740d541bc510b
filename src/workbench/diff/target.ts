import type { Principal } from '../../identity/principal.js'
import type { MatchedCall } from '../../policy/match.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Call } from '../../protocol/call.js'
import { isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import type { ToolSpec } from '../../rbac/catalog-schema.js'
import { assumedPrincipal } from '../assumed-principal.js'
import { requestMessage, toolCallMessage } from '../hypothetical-request.js'
import { argumentDimensions } from './argument-dimensions.js'
import { circumstanceDimensions } from './circumstance-dimensions.js'
import type { Dimension, Vector } from './dimension.js'
import { type Draft, manifestText, newDraft, withValue } from './draft.js'
import { Hints } from './expression-hints.js'
import { isTouched } from './recipe.js'
import type { RuleWords, Vocabulary } from './vocabulary.js'
import { unique, whoDimensions } from './who-dimensions.js'

export type TargetKind = 'tool' | 'prompt' | 'resource' | 'method' | 'json'

/** Something that can be asked of a Server, and all the ways to ask it. */
export interface Target {
  readonly server: string
  readonly kind: TargetKind
  /** Of a tool without the Server's prefix; of a method its name. */
  readonly name: string
  readonly dimensions: readonly Dimension[]
  /** Whether a document that changed could be about it. */
  readonly concerned: boolean
  /** What changed could turn on anything of the call; else only on who asks. */
  readonly turns: boolean
  /** Every rule that could be about it; those that changed first. */
  readonly rules: readonly TargetRule[]
  /** Labels of those whom RBAC gives something. */
  readonly bound: ReadonlySet<string>
}

export interface TargetRule {
  readonly words: RuleWords
  readonly changed: boolean
}

/** One call that nobody has made. */
export interface MadeCall {
  readonly draft: Draft
  readonly principal: Principal
  /** The message as a client of this Server would write it. */
  message(server: Server): string
}

/** What the search is about. Both snapshots may have Servers that the other one lacks. */
export interface TargetContext {
  readonly snapshots: readonly PolicySnapshot[]
  readonly vocabulary: Vocabulary
  /** `Kind/name` of documents that changed. */
  readonly changed: ReadonlySet<string>
}

const mostTools = 400
const fewValues = 6
const madeUp = 'x-made-up'

/** Those that a changed document could be about come first. */
export function targetsOf(context: TargetContext): readonly Target[] {
  const names = unique(context.snapshots.flatMap(({ servers }) => servers.all.map(({ name }) => name)))
  const targets = names.flatMap(name => targetsOfServer(name, context))
  return [...targets.filter(one => one.concerned), ...targets.filter(one => !one.concerned)]
}

function targetsOfServer(name: string, context: TargetContext): readonly Target[] {
  const { snapshots, vocabulary } = context
  const servers = snapshots.flatMap(({ servers: table }) => table.byName(name) ?? [])
  if (servers.some(({ protocol }) => protocol === 'json')) return [targetOf(name, 'json', '', servers, context)]
  const catalogs = servers.flatMap(({ catalog }) => catalog ?? [])
  const known = {
    tools: new Set(catalogs.flatMap(({ tools }) => [...tools.keys()])),
    prompts: new Set(catalogs.flatMap(({ prompts }) => [...prompts.keys()])),
  }
  const tools = unique([...known.tools, ...(catalogs.length > 0 ? [] : vocabulary.tools), madeUp]).slice(0, mostTools)
  const prompts = unique([...known.prompts, ...(known.prompts.size > 0 ? [] : vocabulary.prompts), madeUp])
  const resources = unique([...vocabulary.resources, 'file:///x-made-up'])
  const enabled = servers.flatMap(({ methods }) => [...methods])
  const methods = unique([
    ...['tools/list', 'ping'],
    ...[...vocabulary.methods, ...enabled].filter(method => methodTable.get(method)?.kind === 'request'),
    ...[...methodTable.keys()].filter(method => enabled.includes(`${method.split('/')[0]}/*`)),
  ]).filter(method => !withTarget.has(method))
  return [
    ...tools.map(tool => targetOf(name, 'tool', tool, servers, context)),
    ...prompts.map(prompt => targetOf(name, 'prompt', prompt, servers, context)),
    ...resources.map(resource => targetOf(name, 'resource', resource, servers, context)),
    ...methods.map(method => targetOf(name, 'method', method, servers, context)),
  ]
}

/** Whether calls of a method are made up where it is open; patterns count as such. */
export function isGenerated(method: string): boolean {
  if (method.includes('*')) return true
  const row = methodTable.get(method)
  return Object.values(methods).some(one => one === method) || (row?.kind === 'request' && !withTarget.has(method))
}

const withTarget: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'subscriptions/listen',
  'completion/complete',
])

function targetOf(
  server: string,
  kind: TargetKind,
  name: string,
  servers: readonly Server[],
  context: TargetContext,
): Target {
  const { snapshots, vocabulary, changed } = context
  const rules = unique(snapshots.flatMap(snapshot => rulesAbout(snapshot, server, kind, name)))
  const sorted = [...rules.filter(rule => changed.has(rule)), ...rules.filter(rule => !changed.has(rule))]
  const hints = new Hints()
  const thorough = new Hints()
  const found: TargetRule[] = []
  for (const rule of sorted)
    for (const words of vocabulary.rules.get(rule) ?? []) {
      const isChanged = changed.has(rule)
      found.push({ words, changed: isChanged })
      // Of rules that did not change, some values will do: enough to keep them, and to break them.
      if (isChanged) thorough.add(words.hints)
      hints.add(words.hints, isChanged ? undefined : fewValues)
    }
  const specs = specsOf(kind, name, servers, vocabulary)
  const [first] = servers
  const anonymous = servers.some(({ audience }) => audience.anonymous === 'Allow')
  const dimensions = [
    ...whoDimensions(vocabulary, hints, anonymous),
    ...(kind === 'tool' || kind === 'prompt' || kind === 'json'
      ? argumentDimensions({
          ...{ specs, hints, vocabulary },
          contexts: unique(servers.flatMap(one => [...one.kubernetes.contexts.keys()])),
          defaultNamespace: first?.kubernetes.defaultNamespace,
        })
      : []),
    ...circumstanceDimensions(hints, thorough.reads('request', 'time')),
  ].filter(({ choices }) => choices.length > 1)
  const others = [...changed].some(one => !isRule(one)) || sorted.some(rule => changed.has(rule) && /^Grant/.test(rule))
  return {
    ...{ server, kind, name, dimensions, rules: found, bound: vocabulary.bound },
    concerned: isConcerned(server, servers, sorted, changed),
    turns: others || dimensions.some(one => !one.who && isTouched(one, thorough)),
  }
}

function isConcerned(
  server: string,
  servers: readonly Server[],
  rules: readonly string[],
  changed: ReadonlySet<string>,
): boolean {
  if (rules.some(rule => changed.has(rule)) || changed.has(`Server/${server}`)) return true
  if (servers.some(({ catalog }) => catalog !== undefined && changed.has(`ToolCatalog/${catalog.name}`))) return true
  return [...changed].some(one => !aboutOthers.test(one))
}

function isRule(name: string): boolean {
  return /^(?:Guardrail|Grant|Enrichment)\//.test(name)
}

/** What is about some calls only, which was looked at, or about none that can be made up. */
const aboutOthers = /^(?:Guardrail|Grant|Enrichment|Server|ToolCatalog|Identity|AuthenticationConfiguration)(?:\/|$)/

function specsOf(
  kind: TargetKind,
  name: string,
  servers: readonly Server[],
  { catalogs }: Vocabulary,
): readonly ToolSpec[] {
  if (kind !== 'tool' && kind !== 'prompt') return []
  const field = kind === 'tool' ? 'tools' : 'prompts'
  const named = unique(servers.flatMap(({ catalog }) => catalog?.name ?? []))
  return named
    .flatMap(one => catalogs.get(one) ?? [])
    .flatMap(catalog => {
      const spec = Object.hasOwn(catalog[field], name) ? catalog[field][name] : undefined
      if (spec === undefined) return []
      return [
        spec.cluster === undefined && catalog.cluster !== undefined ? { ...spec, cluster: catalog.cluster } : spec,
      ]
    })
}

/** `Kind/name` of the rules that could be about a target, whoever asks. */
export function rulesAbout(
  snapshot: PolicySnapshot,
  server: string,
  kind: TargetKind,
  name: string,
): readonly string[] {
  const found = snapshot.servers.byName(server)
  if (found === undefined) return []
  const tool = kind === 'tool' ? name : undefined
  const catalogTool =
    kind === 'tool' ? found.catalog?.tools.get(name) : kind === 'prompt' ? found.catalog?.prompts.get(name) : undefined
  const matched: MatchedCall = { server, call: callOf(kind, name), tool, catalogTool }
  return [
    ...snapshot.guardrails.candidates(matched).map(rule => `Guardrail/${rule.name}`),
    ...snapshot.grants.candidates(matched).map(rule => `Grant/${rule.name}`),
    ...snapshot.enrichments.candidates(matched).map(rule => `Enrichment/${rule.name}`),
  ]
}

const methods = { tool: 'tools/call', prompt: 'prompts/get', resource: 'resources/read', json: '' } as const

function callOf(kind: TargetKind, name: string): Call {
  return {
    protocol: kind === 'json' ? 'json' : 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: '1',
    method: kind === 'method' ? name : methods[kind],
    target: kind === 'json' || kind === 'method' ? { kind: 'none' } : { kind, name },
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  }
}

/** The call that a choice in each dimension amounts to. */
export function makeCall({ kind, name, dimensions }: Target, vector: Vector): MadeCall {
  const draft = newDraft()
  for (const [index, { choices }] of dimensions.entries()) choices[vector[index] ?? 0]?.apply(draft)
  for (const [argument, manifest] of draft.manifests)
    draft.args = withValue(draft.args, [argument], manifestText(manifest))
  return { draft, principal: principalOf(draft), message: server => messageOf(kind, name, draft, server) }
}

function messageOf(kind: TargetKind, name: string, { args }: Draft, { toolPrefix }: Server): string {
  const text = JSON.stringify(args)
  switch (kind) {
    case 'tool':
      return toolCallMessage(toolPrefix + name, text)
    case 'prompt':
      return requestMessage('prompts/get', `{"name":${JSON.stringify(name)},"arguments":${text}}`)
    case 'resource':
      return requestMessage('resources/read', JSON.stringify({ uri: name }))
    case 'method':
      return requestMessage(name, paramsOf(name))
    case 'json':
      return text
  }
}

export function paramsOf(method: string): string | undefined {
  const target = methodTable.get(method)?.target
  if (target === undefined || !('field' in target)) return undefined
  return JSON.stringify({ [target.field]: target.field === 'uri' ? 'file:///x-made-up' : 'x-made-up' })
}

export function principalOf({ user, groups, agent, scopes, tenant, workload, kind, claims }: Draft): Principal {
  const principal = assumedPrincipal({
    ...{ user, groups: [...groups], scopes, workload, kind },
    ...(agent !== undefined && { agent }),
    ...(tenant !== undefined && { tenant }),
    claims: jsonObject({ sub: user, ...Object(claims) }),
  })
  return kind === 'anonymous' ? { ...principal, claims: new Map() } : principal
}

function jsonObject(value: object): JsonObject {
  const read = parseStrictJson(Buffer.from(JSON.stringify(value)))
  return read.ok && isJsonObject(read.value) ? read.value : new Map()
}
