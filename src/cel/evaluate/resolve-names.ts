import type { FunctionOverload } from '../library/library.js'
import type { CallExpr, Expr } from '../syntax/ast.js'
import type { Reference } from '../types/check-session.js'
import { type Type, typeName } from '../types/type.js'
import { TypeValue } from '../values/value.js'
import { isFunction } from './dispatch.js'
import { findLocal, type Scope } from './scope.js'

/** What names can mean. */
export interface Names {
  /** The overloads of each function by its name (`size`, `optional.of`). Operators are built in. */
  readonly overloads: ReadonlyMap<string, readonly FunctionOverload[]>
  /** What the checker found out; without it everything is `dyn`. */
  readonly checked?: { readonly references: ReadonlyMap<number, Reference> }
  /** The declared variables; names may be dotted. Without it, any name may be a variable. */
  readonly variables?: { has(name: string): boolean }
  /** Types by name that libraries bring (`net.IP`), beside the standard ones. */
  readonly types?: { has(name: string): boolean }
  /** The namespace in which names are looked up first (cel-spec langdef.md "Name Resolution"). */
  readonly container?: string
}

const standardTypes: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
  'int',
  'list',
  'map',
  'null_type',
  'optional_type',
  'string',
  'type',
  'uint',
])
/** Names have no more parts than this where the checker did not say which they are. */
const mostNameParts = 8

export type Name =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'type'; readonly value: TypeValue }

/** Finds out what names mean: as the checker did if it was asked, else by what is declared. */
export class NameResolver {
  readonly #options: Names

  constructor(options: Names) {
    this.#options = options
  }

  /** `optional.of(x)`: the function that a call means whose target is only a name; locals come first. */
  namespaced(node: CallExpr, scope: Scope | undefined): string | undefined {
    const parts: string[] = [node.name]
    let target = node.target
    while (target?.kind === 'select' && !target.test && !target.optional && parts.length < mostNameParts) {
      parts.unshift(target.field)
      target = target.operand
    }
    if (target?.kind !== 'ident' || (!target.root && findLocal(scope, target.name) !== undefined)) return undefined
    const name = [target.name, ...parts].join('.')
    return this.inContainer(name, target.root).find(candidate => {
      const overloads = this.#options.overloads.get(candidate)
      return overloads !== undefined && isFunction(overloads)
    })
  }

  inContainer(name: string, root: boolean): readonly string[] {
    const { container } = this.#options
    if (root || container === undefined || container === '') return [name]
    const parts = container.split('.')
    return [...parts.map((_, i) => [...parts.slice(0, parts.length - i), name].join('.')), name]
  }

  /** What a name and the fields after it mean: the longest that is declared. `open` holds them from the outside in. */
  longestName(ident: Extract<Expr, { kind: 'ident' }>, open: readonly Expr[]): { name: Name; used: number } {
    const names = [ident.name]
    const nodes: Expr[] = [ident]
    for (let i = open.length - 1; i >= 0 && names.length < mostNameParts; i--) {
      const node = open[i]
      if (node?.kind !== 'select' || node.test || node.optional) break
      names.push(node.field)
      nodes.push(node)
    }
    for (let parts = names.length; parts > 0; parts--) {
      const found = this.#declared(names.slice(0, parts).join('.'), ident.root, nodes[parts - 1]?.id)
      if (found !== undefined) return { name: found, used: parts - 1 }
    }
    return { name: { kind: 'variable', name: ident.name }, used: 0 }
  }

  #declared(name: string, root: boolean, id: number | undefined): Name | undefined {
    const reference = id === undefined ? undefined : this.#options.checked?.references.get(id)
    if (reference?.kind === 'variable') return reference
    if (reference?.kind === 'type') return { kind: 'type', value: new TypeValue(plainName(reference.type)) }
    for (const candidate of this.inContainer(name, root)) {
      if (this.#options.variables?.has(candidate)) return { kind: 'variable', name: candidate }
      if (standardTypes.has(candidate) || this.#options.types?.has(candidate)) {
        return { kind: 'type', value: new TypeValue(candidate) }
      }
    }
    return undefined
  }
}

/** The name of a type without its parameters, as `type(x)` has it. */
function plainName(type: Type): string {
  switch (type.kind) {
    case 'list':
    case 'map':
    case 'type':
      return type.kind
    case 'optional':
      return 'optional_type'
    default:
      return typeName(type)
  }
}
