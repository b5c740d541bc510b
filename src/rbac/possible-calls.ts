import type { JsonObject, JsonValue } from '../protocol/json-value.js'
import type { Sliced } from '../sliced.js'
import type { ArgumentUse } from './argument-types.js'
import type { ConditionSpec, OperationSpec, ToolSpec } from './catalog-schema.js'
import type { KindResolver } from './kind-resolver.js'
import type { Kinds } from './kinds.js'
import type { Operation } from './operation.js'
import type { PossibleAttributes } from './policy-rule.js'
import type { ResolvedTool, ServerKubernetes } from './tool-catalog.js'

/** An operation of which arguments that are not known yet decide parts. */
export interface PossibleOperation extends Omit<PossibleAttributes, 'namespace'> {
  /** A namespace, "" for none or all, or any: operations of one call with the same `any` are in the same namespace. */
  readonly namespace: string | { readonly any: string }
  /** All of it as text, to tell operations apart. */
  readonly key: string
}

/** What a tool may amount to, for some arguments. */
export interface PossibleCall {
  readonly cluster: string
  /** All of them happen. */
  readonly operations: readonly PossibleOperation[]
}

/** 'anything': its arguments hang together in too many ways to go through them. */
export type PossibleCalls = readonly PossibleCall[] | 'anything'

export interface PossibleParts {
  readonly spec: ToolSpec
  readonly kinds: Kinds
  readonly uses: ReadonlyMap<string, ArgumentUse>
  readonly clusterArgument: string | undefined
  /** Arguments that the tool takes, where that is known. */
  readonly listed: ReadonlySet<string> | undefined
  resolve(args: JsonObject, server: ServerKubernetes): ResolvedTool
}

/** Most combinations of arguments that are gone through; those of the shipped catalogues are at most some hundred. */
const mostCombinations = 2048

/**
 * All that a tool may amount to, whatever its arguments: the tool's own `resolve` is asked about one representative of each
 * class of arguments that it tells apart (left out, each value that a condition names, any other one; each kind), and where
 * the representative of "any other one" comes out again, that part is unknown. Arguments that `resolve` refuses amount to
 * nothing, because such a call is denied. Costs some milliseconds for a tool that takes manifests: so it comes in slices, and
 * the caller keeps it.
 */
export function* possibleCalls(parts: PossibleParts, server: ServerKubernetes): Sliced<PossibleCalls> {
  const classes = classesOf(parts)
  if (classes === undefined) return 'anything'
  const found = new Map<string, PossibleCall>()
  const combinations = [...combine(classes.map(({ choices }) => choices))]
  const markers = new Set(classes.flatMap(({ markers }) => markers))
  const standIns = withStandIns(server)
  const contexts = parts.clusterArgument === undefined ? [] : [...server.contexts.keys()]
  for (const context of [undefined, ...contexts]) {
    for (const combination of combinations) {
      const args = new Map(combination)
      if (context !== undefined && parts.clusterArgument !== undefined) args.set(parts.clusterArgument, context)
      const resolved = parts.resolve(args, standIns)
      yield
      if (!resolved.ok) continue
      const operations = resolved.operations.map(operation => possibleOperation(operation, markers))
      const call = { cluster: resolved.cluster, operations: distinct(operations) }
      found.set(`${call.cluster} ${call.operations.map(({ key }) => key).join(' ')}`, call)
    }
  }
  return [...found.values()]
}

/** Arguments that are chosen together, and what may be chosen. */
interface ArgumentClass {
  readonly choices: readonly (readonly (readonly [string, JsonValue])[])[]
  /** Values that stand for any other one. */
  readonly markers: readonly string[]
}

function classesOf({
  spec,
  kinds,
  uses,
  clusterArgument,
  listed,
}: PossibleParts): readonly ArgumentClass[] | undefined {
  const operations: readonly OperationSpec[] = Array.isArray(spec.operations) ? spec.operations : []
  const conditions = operations.flatMap(({ when }) => when ?? [])
  const classes: ArgumentClass[] = []
  const taken = new Set<string>(clusterArgument === undefined ? [] : [clusterArgument])
  const tested = new Set(conditions.map(({ argument }) => argument))
  if (clusterArgument !== undefined && tested.has(clusterArgument)) return undefined
  const pairs = new Set<string>()
  for (const { gvk, manifest } of operations) {
    const names = gvk !== undefined ? [gvk.apiVersion, gvk.kind] : manifest !== undefined ? [manifest.argument] : []
    const pair = JSON.stringify(names)
    if (names.length === 0 || pairs.has(pair)) continue
    // What is a kind here and something else there is too much to go through.
    if (names.some(name => taken.has(name) || tested.has(name))) return undefined
    pairs.add(pair)
    for (const name of names) taken.add(name)
    classes.push(gvk !== undefined ? kindChoices(gvk, kinds) : manifestChoices(names[0] ?? '', kinds))
  }
  for (const [argument, { type }] of uses) {
    if (taken.has(argument)) continue
    const own = conditions.filter(condition => condition.argument === argument)
    classes.push(plainChoices(argument, type, own, classes.length))
  }
  const given = classes.map(({ choices, markers }) => ({
    markers,
    choices: [[], ...choices.filter(choice => choice.every(([name]) => listed === undefined || listed.has(name)))],
  }))
  const product = given.reduce((sum, { choices }) => sum * choices.length, 1)
  return product > mostCombinations ? undefined : given
}

/** Each value that a condition names, and one more of the type, which stands for all others. */
function plainChoices(
  argument: string,
  type: ArgumentUse['type'],
  conditions: readonly ConditionSpec[],
  place: number,
): ArgumentClass {
  const named = conditions.flatMap(({ equals, notEquals }) => equals ?? notEquals ?? [])
  const one = (value: JsonValue) => [[argument, value] as const]
  switch (type) {
    case 'string': {
      const texts = new Set(named.filter(value => typeof value === 'string'))
      let marker = `any-${place}`
      while (texts.has(marker)) marker += '-x'
      return { choices: [...texts, marker].map(one), markers: [marker] }
    }
    case 'boolean':
      return { choices: [true, false].map(one), markers: [] }
    case 'integer':
    case 'number': {
      const bounds = conditions.flatMap(({ greaterThan }) => greaterThan ?? [])
      const numbers = [...named.filter(value => typeof value === 'number'), ...bounds]
      const beyond = Math.max(0, ...numbers.map(value => value + 1))
      const all = new Set([...numbers, ...bounds.map(bound => bound + 1), beyond])
      return { choices: [...all].map(value => one(BigInt(value))), markers: [] }
    }
  }
}

const anyResource = 'any-resource'
const anyGroup = 'any-group.invalid'
/** Of kinds that only the cluster knows. */
const anyApiVersion = `${anyGroup}/v1`
const anyKinds = ['AnyNamespaced', 'AnyClusterScoped'] as const
const anyName = 'any-name'
const anyNamespace = 'any-namespace'

function kindChoices(gvk: { readonly apiVersion: string; readonly kind: string }, kinds: Kinds): ArgumentClass {
  const choices = kindsToTry(kinds).map(
    ({ apiVersion, kind }) =>
      [
        [gvk.apiVersion, apiVersion],
        [gvk.kind, kind],
      ] as const,
  )
  return { choices, markers: [] }
}

/** One object is enough: more of them only make a call do more. */
function manifestChoices(argument: string, kinds: Kinds): ArgumentClass {
  const choices = kindsToTry(kinds).flatMap(({ apiVersion, kind, namespaced }) => {
    const namespace = namespaced ? `\n  namespace: ${anyNamespace}` : ''
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${anyName}${namespace}\n`
    const binding = apiVersion.startsWith('rbac.authorization.k8s.io/') && kind.endsWith('Binding')
    const roles = kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole']
    const texts = binding ? roles.map(role => `${text}roleRef:\n  kind: ${role}\n  name: ${anyName}\n`) : [text]
    return texts.map(one => [[argument, one] as const])
  })
  return { choices, markers: [anyName, anyNamespace] }
}

function kindsToTry(
  kinds: Kinds,
): readonly { readonly apiVersion: string; readonly kind: string; readonly namespaced: boolean }[] {
  const unlisted = anyKinds.map(kind => ({ apiVersion: anyApiVersion, kind, namespaced: kind === 'AnyNamespaced' }))
  return [...kinds.all, ...unlisted]
}

/**
 * Where a cluster can be asked what it serves, a kind may be any resource: a stand-in for its discovery knows two kinds that
 * no catalogue has, one of each scope, and nothing else. Without discovery the kinds of the catalogue are all.
 */
function withStandIns(server: ServerKubernetes): ServerKubernetes {
  if (server.kinds === undefined) return server
  return { ...server, kinds: new Map([...server.kinds.keys()].map(cluster => [cluster, standIn])) }
}

const standIn: KindResolver = {
  resolve(apiVersion, kind) {
    const known = apiVersion === anyApiVersion && anyKinds.some(name => name === kind)
    if (!known) return { type: 'unknown' }
    const namespaced = kind === 'AnyNamespaced'
    return { type: 'found', resource: { resource: anyResource, namespaced, subresources: ['scale'] } }
  },
}

function possibleOperation(operation: Operation, markers: ReadonlySet<string>): PossibleOperation {
  const { verb, subresource } = operation
  const group = operation.group === anyGroup ? undefined : operation.group
  const resource = operation.resource === anyResource ? undefined : operation.resource
  const namespace = markers.has(operation.namespace) ? { any: operation.namespace } : operation.namespace
  const name = markers.has(operation.name) ? undefined : operation.name
  const key = JSON.stringify([verb, group ?? 0, resource ?? 0, subresource, namespace, name ?? 0])
  return { verb, group, resource, subresource, namespace, name, key }
}

function distinct(operations: readonly PossibleOperation[]): readonly PossibleOperation[] {
  return [...new Map(operations.map(operation => [operation.key, operation])).values()]
}

function* combine<T>(lists: readonly (readonly (readonly T[])[])[]): Generator<readonly T[]> {
  const [first, ...others] = lists
  if (first === undefined) {
    yield []
    return
  }
  for (const rest of combine(others)) for (const choice of first) yield [...choice, ...rest]
}
