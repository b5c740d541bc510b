import type { JsonObject, JsonValue } from '../protocol/json-value.js'
import type { ConditionSpec, ToolSpec } from './catalog-schema.js'

export type ArgumentType = 'string' | 'boolean' | 'integer' | 'number'

/** What an argument is used as; several uses that contradict each other are a mistake in the catalogue. */
export interface ArgumentUse {
  readonly type: ArgumentType
  /** A namespace of the wrong type has a reason code of its own. */
  readonly namespace: boolean
}

export type ArgumentTypes =
  | { readonly ok: true; readonly uses: ReadonlyMap<string, ArgumentUse> }
  | { readonly ok: false; readonly argument: string }

/**
 * The types of the arguments that a tool's rules speak of, from how they are used. A server that is handed another type
 * often goes on as if the argument were not there, so a wrong type always denies. `present` alone says nothing about the
 * type: text, unless another rule knows better.
 */
export function argumentTypes(tool: ToolSpec, cluster: string | undefined): ArgumentTypes {
  const uses = new Map<string, ArgumentUse>()
  let conflict: string | undefined
  const use = (name: string, type: ArgumentType, namespace = false): void => {
    const seen = uses.get(name)
    if (seen !== undefined && seen.type !== type) conflict ??= name
    uses.set(name, { type, namespace: namespace || seen?.namespace === true })
  }
  if (cluster !== undefined) use(cluster, 'string')
  if (Array.isArray(tool.images)) for (const { argument } of tool.images) use(argument, 'string')
  if (typeof tool.replicas === 'object') use(tool.replicas.argument, 'integer')
  const operations = Array.isArray(tool.operations) ? tool.operations : []
  for (const { gvk, manifest, namespace, name } of operations) {
    if (gvk !== undefined) for (const argument of [gvk.apiVersion, gvk.kind]) use(argument, 'string')
    if (manifest !== undefined) use(manifest.argument, 'string')
    if (typeof namespace === 'object') use(namespace.argument, 'string', true)
    if (name !== undefined) use(name.argument, 'string')
  }
  const conditions = operations.flatMap(({ when }) => (when === undefined ? [] : when))
  for (const condition of conditions) {
    const type = typeOfCondition(condition)
    if (type !== undefined) use(condition.argument, type)
  }
  for (const { argument } of conditions) if (!uses.has(argument)) use(argument, 'string')
  return conflict === undefined ? { ok: true, uses } : { ok: false, argument: conflict }
}

function typeOfCondition({ equals, notEquals, greaterThan }: ConditionSpec): ArgumentType | undefined {
  if (greaterThan !== undefined) return 'number'
  const value = equals ?? notEquals
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'number':
      return 'integer'
    default:
      return undefined
  }
}

export type UsedArgument = { readonly argument: string; readonly use: ArgumentUse }

/** As a list, which is gone through with every call. */
export function usedArguments(uses: ReadonlyMap<string, ArgumentUse>): readonly UsedArgument[] {
  return Array.from(uses, ([argument, use]) => ({ argument, use }))
}

/** The first argument of the wrong type, if any. A missing one and null have no type. */
export function mistypedArgument(used: readonly UsedArgument[], args: JsonObject): UsedArgument | undefined {
  for (const one of used) {
    const value = args.get(one.argument)
    if (value !== undefined && value !== null && !hasType(value, one.use.type)) return one
  }
  return undefined
}

function hasType(value: JsonValue, type: ArgumentType): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type
    case 'integer':
      return typeof value === 'bigint'
    case 'number':
      return typeof value === 'bigint' || typeof value === 'number'
  }
}

/** Whether an argument is given: servers treat null and "" like nothing. */
export function isPresent(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null && value !== ''
}
