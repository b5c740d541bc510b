import type { JsonObject } from '../protocol/json-value.js'
import { atOnce, type Sliced } from '../sliced.js'
import { type ArgumentUse, isPresent, mistypedArgument, type UsedArgument, usedArguments } from './argument-types.js'
import type { ToolSpec } from './catalog-schema.js'
import type { InputSchema } from './input-schema.js'
import { kindsOfCluster } from './kind-resolver.js'
import type { Kinds } from './kinds.js'
import type { Refused } from './manifest.js'
import type { Operation } from './operation.js'
import { compileOperationRule, misleadingArgument, pointersOf, refused, required } from './operation-rule.js'
import { notPlainArgument } from './plain-arguments.js'
import { type PossibleCalls, possibleCalls } from './possible-calls.js'
import type { CatalogTool, ResolvedTool, ServerKubernetes } from './tool-catalog.js'

export interface ToolParts {
  readonly name: string
  readonly spec: ToolSpec
  readonly kinds: Kinds
  readonly clusterArgument: string | undefined
  readonly uses: ReadonlyMap<string, ArgumentUse>
  readonly inputSchema: InputSchema | undefined
}

/** Servers, of different settings, for which is kept what a tool may amount to. */
const mostServers = 16

/** Compiles one tool or prompt whose entry was checked. */
export function compileTool({ name, spec, kinds, clusterArgument, uses, inputSchema }: ToolParts): CatalogTool {
  const cluster = clusterArgument === undefined ? [] : [clusterArgument]
  const given = spec.arguments === 'none' ? [] : spec.arguments
  const listed = given === undefined ? undefined : new Set([...given, ...cluster])
  const operations = Array.isArray(spec.operations) ? spec.operations : []
  const rules = operations.map(rule => compileOperationRule(rule, kinds))
  const pointers = pointersOf(operations)
  const used = usedArguments(uses)

  const resolve = (args: JsonObject, server: ServerKubernetes): ResolvedTool => {
    const refusal =
      unlistedArgument(listed, args) ??
      wrongType(used, args) ??
      misleadingArgument(pointers, args) ??
      moreThanWords(spec.plain, args)
    if (refusal !== undefined) return refusal
    const where = clusterOf(clusterArgument, args, server)
    if (!where.ok) return where
    const own = ownWorkload(spec, args)
    if (!own.ok) return own
    const kindsThere = kindsOfCluster(kinds, server.kinds?.get(where.cluster))
    let resolved: readonly Operation[] = []
    let { images, replicas } = own
    for (const rule of rules) {
      const result = rule(args, server, kindsThere)
      if (!result.ok) return result
      resolved = joined(resolved, result.operations)
      images = images && result.images && joined(images, result.images)
      replicas = replicas && result.replicas && joined(replicas, result.replicas)
    }
    return { ok: true, cluster: where.cluster, operations: resolved, images, replicas }
  }

  const known = new Map<string, PossibleCalls>()
  const ofServer = new WeakMap<ServerKubernetes, PossibleCalls>()
  const possible = (server: ServerKubernetes): PossibleCalls => ofServer.get(server) ?? atOnce(explore(server))
  const explore = function* (server: ServerKubernetes): Sliced<PossibleCalls> {
    // All that they depend on: Servers are made anew with every change of the policies, catalogues rarely.
    const { cluster, defaultNamespace, contexts, kinds: discovered } = server
    const key = JSON.stringify([cluster, defaultNamespace, [...contexts], [...(discovered?.keys() ?? [])]])
    const before = known.get(key)
    const found = before ?? (yield* possibleCalls({ spec, kinds, uses, clusterArgument, listed, resolve }, server))
    if (before === undefined && known.size >= mostServers) known.clear()
    known.set(key, found)
    ofServer.set(server, found)
    return found
  }

  return {
    name,
    access: spec.access,
    labels: new Map(Object.entries(spec.labels ?? {})),
    arguments: listed,
    clusterArgument,
    knownArguments: new Set([...uses.keys(), ...(listed ?? []), ...(spec.plain ?? []), ...cluster]),
    inputSchema,
    digest: spec.digest,
    refuse: spec.refuse,
    noOperations: spec.operations === 'none' && spec.refuse === undefined,
    resolve,
    possible,
    explore,
  }
}

/** Most rules have nothing to add to what others found. */
function joined<T>(some: readonly T[], more: readonly T[]): readonly T[] {
  if (more.length === 0) return some
  return some.length === 0 ? more : [...some, ...more]
}

function unlistedArgument(listed: ReadonlySet<string> | undefined, args: JsonObject): Refused | undefined {
  if (listed === undefined) return undefined
  for (const name of args.keys()) {
    if (listed.has(name)) continue
    const hint = listed.size === 0 ? 'it takes none' : `this tool takes: ${[...listed].sort().join(', ')}`
    return refused('authorization.argument', 'the call has an argument that this tool does not take', hint)
  }
  return undefined
}

function wrongType(used: readonly UsedArgument[], args: JsonObject): Refused | undefined {
  const wrong = mistypedArgument(used, args)
  if (wrong === undefined) return undefined
  const reason = wrong.use.namespace ? 'authorization.namespace' : 'authorization.argument'
  return refused(reason, `the argument "${wrong.argument}" has the wrong type`, `give it as a JSON ${wrong.use.type}`)
}

function moreThanWords(plain: readonly string[] | undefined, args: JsonObject): Refused | undefined {
  const argument = notPlainArgument(plain ?? [], args)
  if (argument === undefined) return undefined
  return refused(
    'authorization.argument',
    `the argument "${argument}" is not a plain word, and the server would make something else of it`,
    'use letters, digits and "-", "_", ".", ":", "/", "@", "+" inside, and no word for a number, a date or yes/no',
  )
}

/** The argument counts even where the server does not publish it: kubernetes-mcp-server honours it all the same. */
function clusterOf(
  argument: string | undefined,
  args: JsonObject,
  server: ServerKubernetes,
): { readonly ok: true; readonly cluster: string } | Refused {
  const given = argument === undefined ? undefined : args.get(argument)
  if (given === undefined) return { ok: true, cluster: server.cluster }
  const cluster = typeof given === 'string' ? server.contexts.get(given) : undefined
  if (cluster !== undefined) return { ok: true, cluster }
  const allowed = [...server.contexts.keys()].sort()
  const message = `the argument "${argument}" names a cluster that is not known here`
  return refused(
    'authorization.cluster_unknown',
    message,
    allowed.length === 0 ? 'leave it out' : `use one of: ${allowed.join(', ')}`,
  )
}

type OwnWorkload =
  | {
      readonly ok: true
      readonly images: readonly string[] | undefined
      readonly replicas: readonly bigint[] | undefined
    }
  | Refused

const none: readonly never[] = []

/** Images and replica counts in the arguments themselves. */
function ownWorkload(spec: ToolSpec, args: JsonObject): OwnWorkload {
  let images: readonly string[] = none
  for (const { argument } of Array.isArray(spec.images) ? spec.images : none) {
    const image = args.get(argument)
    if (typeof image !== 'string' || !isPresent(image)) return required(argument)
    images = [...images, image]
  }
  let replicas: readonly bigint[] = none
  const argument = typeof spec.replicas === 'object' ? spec.replicas.argument : undefined
  if (argument !== undefined && args.has(argument)) {
    const count = args.get(argument)
    if (typeof count !== 'bigint' || count < 0n) {
      return refused(
        'authorization.argument',
        `the argument "${argument}" is not a whole number from 0`,
        'write it like 3, not "3" or 3.0',
      )
    }
    replicas = [count]
  }
  return {
    ok: true,
    images: spec.images === 'unknown' ? undefined : images,
    replicas: spec.replicas === 'unknown' ? undefined : replicas,
  }
}
