import type { Expr } from '../syntax/ast.js'
import { walk } from '../syntax/walk.js'
import type { TypeIssue } from './check-session.js'
import { type Type, typeName, types } from './type.js'

/** In the arguments of `format`, and anywhere below, literals may mix types, as they do in cel-go. */
const exempt = 'format'

const hint = 'the elements of a literal are of one type; write dyn(…) around each of them to mix types'

/**
 * Lists and maps whose elements are not all of exactly one type. As in Kubernetes this looks at the final types after the
 * check (cel-go's validator of homogeneous literals): so `[1, dyn("a")]` is mixed, and `[dyn(1), dyn("a")]` is not.
 */
export function mixedLiterals(expr: Expr, typeById: ReadonlyMap<number, Type>): TypeIssue[] {
  const issues: TypeIssue[] = []
  const typeOf = (part: Expr): Type => typeById.get(part.id) ?? types.error
  walk(expr, node => {
    if (node.kind === 'call' && node.name === exempt) return 'skip'
    if (node.kind === 'list') {
      const found = firstOther(node.elements.map(({ value, optional }) => [value, held(typeOf(value), optional)]))
      if (found !== undefined) issues.push(found)
    }
    if (node.kind === 'map') {
      const keys = firstOther(node.entries.map(({ key }) => [key, typeOf(key)]))
      const values = firstOther(node.entries.map(({ value, optional }) => [value, held(typeOf(value), optional)]))
      issues.push(...[keys, values].filter(found => found !== undefined))
    }
    return undefined
  })
  return issues
}

/** What the literal takes of `?x`. */
function held(type: Type, optional: boolean): Type {
  return optional && type.kind === 'optional' ? type.value : type
}

function firstOther(parts: readonly (readonly [Expr, Type])[]): TypeIssue | undefined {
  const [first] = parts
  if (first === undefined) return undefined
  const wanted = typeName(first[1])
  for (const [part, type] of parts) {
    const found = typeName(type)
    if (found === wanted || withoutWrappers(found) === withoutWrappers(wanted)) continue
    return { id: part.id, at: part.at, message: `expected type '${wanted}' but found '${found}'`, hint }
  }
  return undefined
}

/** A wrapper and its primitive go together. */
function withoutWrappers(name: string): string {
  return name.replace(/\bwrapper\((\w+)\)/g, '$1')
}
