import { type OverloadDecl, parseSignature } from './parse-signature.js'
import { type Type, types } from './type.js'

/** What brings declarations: a library, or the operators. A `Library` is one. */
export interface DeclarationSource {
  readonly name: string
  readonly functions: readonly { readonly id: string; readonly signature: string }[]
  readonly types?: readonly string[]
}

export interface DeclarationTable {
  /** Overloads by the name of their function, in the order of declaration. */
  readonly functions: ReadonlyMap<string, readonly OverloadDecl[]>
  /** Types by the name that an expression calls them by (`int`, `net.IP`). */
  readonly types: ReadonlyMap<string, Type>
  /** The most parts that a name of a type has: `a.b.c` has three. */
  readonly longestTypeName: number
}

/** The names of types that every environment has (cel-spec langdef, "Values"; `dyn` is a function only). */
const standardTypes: readonly (readonly [string, Type])[] = [
  ['bool', types.bool],
  ['bytes', types.bytes],
  ['double', types.double],
  ['google.protobuf.Duration', types.duration],
  ['google.protobuf.Timestamp', types.timestamp],
  ['int', types.int],
  ['list', types.list(types.dyn)],
  ['map', types.map(types.dyn, types.dyn)],
  ['null_type', types.null],
  ['string', types.string],
  ['type', { kind: 'type', of: types.dyn }],
  ['uint', types.uint],
]

/**
 * Builds the table of an environment. Throws at set-up, with every finding, if two overloads have the same id, if two
 * overloads of a function could both be meant by one call without `dyn` (as cel-go's "overload signature collision"), or
 * if a signature speaks of a type that no source declares.
 */
export function createDeclarations(sources: readonly DeclarationSource[]): DeclarationTable {
  const findings: string[] = []
  const names = new Map<string, Type>(standardTypes)
  for (const source of sources) {
    for (const name of source.types ?? []) {
      names.set(name, name === 'optional_type' ? types.optional(types.dyn) : types.opaque(name))
    }
  }
  const functions = new Map<string, OverloadDecl[]>()
  const owners = new Map<string, string>()
  for (const source of sources) {
    for (const { id, signature } of source.functions) {
      const overload = parseSignature(id, signature)
      const owner = owners.get(id)
      if (owner !== undefined) findings.push(`${id} is declared twice: in ${owner} and in ${source.name}`)
      owners.set(id, source.name)
      for (const type of [...overload.params, overload.result]) {
        const unknown = undeclaredName(type, names)
        if (unknown !== undefined) findings.push(`${id} uses the type ${unknown}, which no library declares`)
      }
      const others = functions.get(overload.name) ?? []
      const collision = others.find(other => collide(overload, other))
      if (collision !== undefined) findings.push(`${id} collides with ${collision.id}: a call could mean either`)
      functions.set(overload.name, [...others, overload])
    }
  }
  if (findings.length > 0) throw new Error(`the declarations do not fit together: ${findings.join('; ')}`)
  const longestTypeName = Math.max(...[...names.keys()].map(name => name.split('.').length))
  return { functions, types: names, longestTypeName }
}

function collide(a: OverloadDecl, b: OverloadDecl): boolean {
  if (a.member !== b.member || a.params.length !== b.params.length) return false
  return a.params.every((param, i) => {
    const other = b.params[i]
    return other !== undefined && (covers(param, other) || covers(other, param))
  })
}

/** Whether every value of the second type is one of the first. */
function covers(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true
  if (a.kind === 'wrapper') return b.kind === 'null' || (b.kind === 'wrapper' ? b.of === a.of : b.kind === a.of)
  if (a.kind === 'list') return b.kind === 'list' && covers(a.element, b.element)
  if (a.kind === 'map') return b.kind === 'map' && covers(a.key, b.key) && covers(a.value, b.value)
  if (a.kind === 'optional') return b.kind === 'optional' && covers(a.value, b.value)
  if (a.kind === 'opaque' || a.kind === 'message') return a.kind === b.kind && a.name === b.name
  return a.kind === b.kind
}

/** The first name in a type that nothing declares. */
export function undeclaredName(type: Type, names: ReadonlyMap<string, Type>): string | undefined {
  switch (type.kind) {
    case 'opaque': {
      if (!names.has(type.name)) return type.name
      for (const part of type.parameters ?? []) {
        const undeclared = undeclaredName(part, names)
        if (undeclared !== undefined) return undeclared
      }
      return undefined
    }
    case 'list':
      return undeclaredName(type.element, names)
    case 'map':
      return undeclaredName(type.key, names) ?? undeclaredName(type.value, names)
    case 'optional':
      return undeclaredName(type.value, names)
    case 'type':
      return undeclaredName(type.of, names)
    default:
      return undefined
  }
}
