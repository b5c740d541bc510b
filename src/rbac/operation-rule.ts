import type { JsonObject } from '../protocol/json-value.js'
import { isPresent } from './argument-types.js'
import type { ConditionSpec, OperationSpec } from './catalog-schema.js'
import { escalationOf } from './escalation.js'
import type { Kinds, KnownKind } from './kinds.js'
import { isNamespaceName, isPathSegmentName } from './kubernetes-names.js'
import { type ManifestOperations, manifestOperations, type Refused } from './manifest.js'
import type { Operation } from './operation.js'
import type { CatalogReason, ServerKubernetes } from './tool-catalog.js'

/** One entry of a tool's `operations`, for arguments whose types were checked, with the kinds of the cluster in question. */
export type OperationRule = (args: JsonObject, server: ServerKubernetes, kinds: Kinds) => ManifestOperations

/** Of each call, and of most of its rules: nothing is added to it, so that it need not be made anew. */
const none: readonly never[] = []
const nothing: ManifestOperations = { ok: true, operations: none, images: none, replicas: none }

/** Compiles an entry that passed the checks of compileToolCatalog. */
export function compileOperationRule(spec: OperationSpec, kinds: Kinds): OperationRule {
  const conditions = spec.when === undefined ? [] : [spec.when].flat()
  const verbs = spec.verbs ?? (spec.verb === undefined ? [] : [spec.verb])
  const apply = compileTarget(spec, verbs, kinds)
  if (conditions.length === 0) return apply
  return (args, server, there) =>
    conditions.every(condition => holds(condition, args)) ? apply(args, server, there) : nothing
}

function compileTarget(spec: OperationSpec, verbs: readonly string[], kinds: Kinds): OperationRule {
  const { gvk, manifest } = spec
  if (manifest !== undefined) {
    return (args, { defaultNamespace }, there) => {
      const text = args.get(manifest.argument)
      if (typeof text !== 'string') return required(manifest.argument)
      return manifestOperations({
        text,
        verbs,
        kinds: there,
        defaultNamespace,
        escalation: spec.escalation ?? 'refuse',
      })
    }
  }
  if (gvk !== undefined) {
    return (args, server, there) => {
      const apiVersion = args.get(gvk.apiVersion)
      const kind = args.get(gvk.kind)
      if (typeof apiVersion !== 'string') return required(gvk.apiVersion)
      if (typeof kind !== 'string') return required(gvk.kind)
      const found = there.find(apiVersion, kind)
      if (!found.ok) return refused('authorization.kind_unknown', found.message, found.hint)
      return operationsOn(found.kind, spec, verbs, args, server)
    }
  }
  const group = spec.group ?? ''
  const resource = spec.resource ?? ''
  const version = spec.version ?? kinds.ofResource(group, resource)?.version ?? ''
  const target = { group, version, resource, namespaced: spec.namespace !== 'cluster' }
  return (args, server) => buildOperations(target, spec, verbs, args, server)
}

/** Of a kind that the caller chose: what the catalogue's author could not foresee is checked here. */
function operationsOn(
  kind: KnownKind,
  spec: OperationSpec,
  verbs: readonly string[],
  args: JsonObject,
  server: ServerKubernetes,
): ManifestOperations {
  if (spec.subresource === 'scale' && !kind.scale) {
    return refused('authorization.kind_unknown', 'objects of this kind cannot be scaled', undefined)
  }
  for (const verb of verbs) {
    const escalation = escalationOf({ verb, group: kind.group, subresource: spec.subresource ?? '' })
    if (escalation !== undefined) return refused('authorization.manifest_refused', escalation, undefined)
  }
  return buildOperations(kind, spec, verbs, args, server)
}

type Target = Pick<KnownKind, 'group' | 'version' | 'resource' | 'namespaced'>

function buildOperations(
  target: Target,
  spec: OperationSpec,
  verbs: readonly string[],
  args: JsonObject,
  server: ServerKubernetes,
): ManifestOperations {
  const namespace = namespaceOf(spec.namespace, target.namespaced, args, server)
  if (typeof namespace !== 'string') return namespace
  const name = nameOf(spec.name, args)
  if (typeof name !== 'string') return name
  const { group, version, resource } = target
  const subresource = spec.subresource ?? ''
  const clusterScoped = !target.namespaced
  let operations: Operation[] | undefined
  for (const verb of verbs) {
    const operation = { verb, group, version, resource, subresource, namespace, name, clusterScoped, object: undefined }
    // Nearly always the only one, and the first push to an empty array makes room for sixteen more.
    if (operations === undefined) operations = [operation]
    else operations.push(operation)
  }
  return { ok: true, operations: operations ?? none, images: none, replicas: none }
}

/**
 * A namespace of a kind that has none is refused: kubernetes-mcp-server asks for the object in that namespace, which is not
 * what we would judge.
 */
function namespaceOf(
  rule: OperationSpec['namespace'],
  namespaced: boolean,
  args: JsonObject,
  server: ServerKubernetes,
): string | Refused {
  if (rule === undefined || rule === 'all' || rule === 'cluster') return ''
  const given = args.get(rule.argument)
  if (isPresent(given)) {
    if (typeof given !== 'string' || !isNamespaceName(given)) return badNamespace(rule.argument)
    if (namespaced) return given
    return refused('authorization.namespace', 'objects of this kind have no namespace', `leave "${rule.argument}" out`)
  }
  if (!namespaced || rule.default === 'all') return ''
  if (rule.required !== true && server.defaultNamespace !== undefined) return server.defaultNamespace
  return refused('authorization.namespace', `the argument "${rule.argument}" is missing`, 'name one namespace')
}

function nameOf(rule: OperationSpec['name'], args: JsonObject): string | Refused {
  if (rule === undefined) return ''
  const given = args.get(rule.argument)
  if (!isPresent(given)) return rule.required ? required(rule.argument) : ''
  if (typeof given === 'string' && isPathSegmentName(given)) return given
  return badName(rule.argument)
}

/** An argument that says where, or which object. */
export interface Pointer {
  readonly argument: string
  readonly to: 'namespace' | 'name'
}

/** Those of all operations in their order, each once: the operations of one tool mostly have the same. */
export function pointersOf(operations: readonly OperationSpec[]): readonly Pointer[] {
  const found = new Map<string, Pointer>()
  const add = (to: Pointer['to'], argument: string) => {
    const key = `${to} ${argument}`
    if (!found.has(key)) found.set(key, { argument, to })
  }
  for (const { namespace, name } of operations) {
    if (typeof namespace === 'object') add('namespace', namespace.argument)
    if (name !== undefined) add('name', name.argument)
  }
  return [...found.values()]
}

/**
 * A name or namespace that leads elsewhere is refused also where the operation it belongs to does not happen: the server
 * may look at the argument all the same.
 */
export function misleadingArgument(pointers: readonly Pointer[], args: JsonObject): Refused | undefined {
  for (const { argument, to } of pointers) {
    const given = args.get(argument)
    if (typeof given !== 'string' || given === '') continue
    if (to === 'namespace' ? !isNamespaceName(given) : !isPathSegmentName(given))
      return to === 'namespace' ? badNamespace(argument) : badName(argument)
  }
  return undefined
}

function badNamespace(argument: string): Refused {
  return refused(
    'authorization.namespace',
    `the argument "${argument}" is not a valid namespace`,
    'use the plain name of one namespace: lower-case letters, digits and "-", at most 63',
  )
}

function badName(argument: string): Refused {
  return refused(
    'authorization.argument',
    `the argument "${argument}" is not a valid name`,
    'a name has no "/", no "%", and no spaces around it',
  )
}

function holds(condition: ConditionSpec, args: JsonObject): boolean {
  const { present, equals, notEquals, greaterThan } = condition
  const value = args.get(condition.argument)
  if (present !== undefined) return isPresent(value) === present
  if (equals !== undefined) return value === comparable(equals)
  if (notEquals !== undefined) return value !== comparable(notEquals)
  return greaterThan !== undefined && (typeof value === 'bigint' || typeof value === 'number') && value > greaterThan
}

function comparable(value: string | boolean | number): string | boolean | bigint {
  return typeof value === 'number' ? BigInt(value) : value
}

export function required(argument: string): Refused {
  return refused('authorization.argument', `the argument "${argument}" is missing`, 'give it as text')
}

export function refused(reason: CatalogReason, message: string, hint: string | undefined): Refused {
  return { ok: false, reason, message, hint }
}
