import { type Type, types } from './type.js'

/**
 * How deep types may nest, type parameters followed. Source cannot nest its literals this deep, but a chain of
 * macros (`x.map(a, [a]).map(a, [a])…`) builds one level with each link; deeper levels are `dyn`.
 */
const deepest = 128

/**
 * How many parts of types one question looks at. Parameters that are bound to maps of parameters that are bound to maps …
 * describe types of exponential size in little source; such a type fits nothing, and shows as `dyn`.
 */
const mostParts = 2000

/**
 * Assignability with type parameters, as cel-go's checker has it: parameters are bound while types are compared, `dyn`
 * and `error` fit everything, `null` fits what can be null, a wrapper and its primitive fit each other. Bindings of a
 * comparison that fails are taken back.
 */
export class Unifier {
  readonly #bound = new Map<string, Type>()
  readonly #trail: { readonly name: string; readonly before: Type | undefined }[] = []
  #names = 0
  #parts = 0

  /** A type parameter that nothing else uses. */
  fresh(): Type {
    return { kind: 'param', name: `${this.#names++}` }
  }

  /** Whether a value of the first type can stand where the second is wanted. */
  assignable(from: Type, to: Type): boolean {
    return this.assignableAll([from], [to])
  }

  /** The same for lists of types; they must be of one length. */
  assignableAll(from: readonly Type[], to: readonly Type[]): boolean {
    this.#trail.length = 0
    this.#parts = 0
    const fits =
      from.length === to.length &&
      from.every((type, i) => {
        const wanted = to[i]
        return wanted !== undefined && this.#assignable(type, wanted, 0)
      })
    if (!fits) this.#undo()
    return fits
  }

  /** The type of a list or map that holds both: the more general if they fit, undefined if they do not. */
  join(previous: Type, current: Type): Type | undefined {
    return this.assignable(previous, current) ? moreGeneral(previous, current) : undefined
  }

  /** The type with what is known of its parameters; parameters of which nothing is known become `dyn` if asked. */
  resolve(type: Type, unknownIsDyn: boolean): Type {
    this.#parts = 0
    return this.#resolve(type, unknownIsDyn, 0)
  }

  #resolve(type: Type, unknownIsDyn: boolean, depth: number): Type {
    if (this.#tooLarge(depth)) return types.dyn
    switch (type.kind) {
      case 'param': {
        const last = this.#last(type)
        const bound = last.kind === 'param' ? this.#bound.get(last.name) : undefined
        if (bound !== undefined) return this.#resolve(bound, unknownIsDyn, depth + 1)
        return unknownIsDyn ? types.dyn : last
      }
      case 'list': {
        const element = this.#resolve(type.element, unknownIsDyn, depth + 1)
        return element === type.element ? type : types.list(element)
      }
      case 'map': {
        const key = this.#resolve(type.key, unknownIsDyn, depth + 1)
        const value = this.#resolve(type.value, unknownIsDyn, depth + 1)
        return key === type.key && value === type.value ? type : types.map(key, value)
      }
      case 'optional': {
        const value = this.#resolve(type.value, unknownIsDyn, depth + 1)
        return value === type.value ? type : types.optional(value)
      }
      case 'type': {
        const of = this.#resolve(type.of, unknownIsDyn, depth + 1)
        return of === type.of ? type : { kind: 'type', of }
      }
      case 'opaque': {
        if (type.parameters === undefined) return type
        return types.opaque(
          type.name,
          type.parameters.map(part => this.#resolve(part, unknownIsDyn, depth + 1)),
        )
      }
      default:
        return type
    }
  }

  #tooLarge(depth: number): boolean {
    this.#parts++
    return depth > deepest || this.#parts > mostParts
  }

  #assignable(given: Type, wanted: Type, depth: number): boolean {
    const from = this.#last(given)
    const to = this.#last(wanted)
    if (from === to) return true
    if (this.#tooLarge(depth)) return false
    if (to.kind === 'param') {
      const bound = this.#bound.get(to.name)
      if (this.#bind(to.name, bound, from, depth)) return true
      if (bound !== undefined || from.kind !== 'param') return false
    }
    if (from.kind === 'param') return this.#bind(from.name, this.#bound.get(from.name), to, depth)
    if (fitsAnything(from) || fitsAnything(to)) return true
    if (from.kind === 'null') return canBeNull(to)
    if (to.kind === 'null') return canBeNull(from)
    switch (from.kind) {
      case 'wrapper':
        return to.kind === from.of || (to.kind === 'wrapper' && to.of === from.of)
      case 'list':
        return to.kind === 'list' && this.#assignable(from.element, to.element, depth + 1)
      case 'map':
        return (
          to.kind === 'map' &&
          this.#assignable(from.key, to.key, depth + 1) &&
          this.#assignable(from.value, to.value, depth + 1)
        )
      case 'optional':
        return to.kind === 'optional' && this.#assignable(from.value, to.value, depth + 1)
      case 'opaque':
        return to.kind === 'opaque' && everyParameter(from, to, (a, b) => this.#assignable(a, b, depth + 1))
      case 'message':
        return to.kind === 'message' && to.name === from.name
      default:
        // A type is a type: what it is the type of makes no difference.
        return to.kind === from.kind || (to.kind === 'wrapper' && to.of === from.kind)
    }
  }

  /** Whether a parameter can stand for a type; a binding is widened if need be. */
  #bind(name: string, bound: Type | undefined, type: Type, depth: number): boolean {
    if (type.kind === 'param' && type.name === name) return true
    if (bound === undefined) {
      if (this.#occurs(name, type, 0)) return false
      this.#set(name, type)
      return true
    }
    if (!this.#assignable(type, bound, depth + 1)) return false
    const general = moreGeneral(type, bound)
    if (general !== bound && !this.#occurs(name, general, 0)) this.#set(name, general)
    return true
  }

  /** Too large counts as occurring: then it is not bound. */
  #occurs(name: string, type: Type, depth: number): boolean {
    if (this.#tooLarge(depth)) return true
    switch (type.kind) {
      case 'param': {
        const last = this.#last(type)
        if (last.kind !== 'param') return false
        if (type.name === name || last.name === name) return true
        const bound = this.#bound.get(last.name)
        return bound !== undefined && this.#occurs(name, bound, depth + 1)
      }
      case 'list':
        return this.#occurs(name, type.element, depth + 1)
      case 'map':
        return this.#occurs(name, type.key, depth + 1) || this.#occurs(name, type.value, depth + 1)
      case 'optional':
        return this.#occurs(name, type.value, depth + 1)
      case 'type':
        return this.#occurs(name, type.of, depth + 1)
      case 'opaque':
        return type.parameters?.some(part => this.#occurs(name, part, depth + 1)) ?? false
      default:
        return false
    }
  }

  /**
   * The last of a chain of parameters that are bound to each other; the others are bound to it directly then, since a long
   * sum of empty lists makes a long chain.
   */
  #last(type: Type): Type {
    if (type.kind !== 'param') return type
    let last: Type & { readonly kind: 'param' } = type
    for (let next = this.#bound.get(last.name); next?.kind === 'param'; next = this.#bound.get(last.name)) last = next
    let param: Type & { readonly kind: 'param' } = type
    for (let next = this.#bound.get(param.name); next?.kind === 'param'; next = this.#bound.get(param.name)) {
      if (next !== last) this.#set(param.name, last)
      param = next
    }
    return last
  }

  #set(name: string, type: Type): void {
    this.#trail.push({ name, before: this.#bound.get(name) })
    this.#bound.set(name, type)
  }

  #undo(): void {
    for (let last = this.#trail.pop(); last !== undefined; last = this.#trail.pop()) {
      if (last.before === undefined) this.#bound.delete(last.name)
      else this.#bound.set(last.name, last.before)
    }
  }
}

/** The more general of two types that fit each other; `dyn` and parameters are the most general. */
export function moreGeneral(a: Type, b: Type): Type {
  return covers(a, b, 0) ? a : b
}

function covers(a: Type, b: Type, depth: number): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true
  if (b.kind === 'dyn' || b.kind === 'param' || depth > deepest) return false
  if (b.kind === 'null' && canBeNull(a)) return true
  switch (a.kind) {
    case 'wrapper':
      return b.kind === a.of || (b.kind === 'wrapper' && b.of === a.of)
    case 'list':
      return b.kind === 'list' && covers(a.element, b.element, depth + 1)
    case 'map':
      return b.kind === 'map' && covers(a.key, b.key, depth + 1) && covers(a.value, b.value, depth + 1)
    case 'optional':
      return b.kind === 'optional' && covers(a.value, b.value, depth + 1)
    case 'opaque':
      return b.kind === 'opaque' && everyParameter(a, b, (one, other) => covers(one, other, depth + 1))
    default:
      return a.kind === b.kind
  }
}

type OpaqueType = Extract<Type, { kind: 'opaque' }>

/** Whether two types of libraries are the same but for their parameters, and those fit. */
function everyParameter(a: OpaqueType, b: OpaqueType, fits: (a: Type, b: Type) => boolean): boolean {
  const others = b.parameters ?? []
  const parameters = a.parameters ?? []
  if (a.name !== b.name || parameters.length !== others.length) return false
  return parameters.every((part, i) => {
    const other = others[i]
    return other !== undefined && fits(part, other)
  })
}

function fitsAnything(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'error'
}

/** As in cel-go, which keeps this of its first checker: times, messages, opaque types and optionals, not only wrappers. */
function canBeNull(type: Type): boolean {
  switch (type.kind) {
    case 'null':
    case 'wrapper':
    case 'optional':
    case 'opaque':
    case 'message':
    case 'timestamp':
    case 'duration':
      return true
    default:
      return false
  }
}
