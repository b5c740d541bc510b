import * as z from 'zod'
import { valueAt } from './value-at.js'

/** The keys that an object schema knows at a path, through optionals, unions and the like; empty where keys are free. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[], document: unknown): readonly string[] {
  const keys = new Set<string>()
  for (const found of schemasAt(schema, path)) {
    for (const object of alternatives(found)) {
      if (object instanceof z.ZodObject && discriminatorsAgree(object, valueAt(document, path))) {
        for (const key of Object.keys(object.shape)) keys.add(key)
      }
    }
  }
  return [...keys]
}

function schemasAt(root: z.core.$ZodType, path: readonly PropertyKey[]): readonly z.core.$ZodType[] {
  let current: readonly z.core.$ZodType[] = [root]
  for (const segment of path) {
    const next: z.core.$ZodType[] = []
    for (const schema of current.flatMap(alternatives)) {
      const child = childOf(schema, segment)
      if (child !== undefined) next.push(child)
    }
    current = next
  }
  return current
}

function childOf(schema: z.core.$ZodType, segment: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject && typeof segment === 'string') {
    const { catchall } = schema.def
    return Object.hasOwn(schema.shape, segment) ? schema.shape[segment] : catchall
  }
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodTuple && typeof segment === 'number') return schema.def.items[segment]
  return undefined
}

/** The schemas that a value may meet here: wrappers taken off, unions spread. */
function alternatives(schema: z.core.$ZodType, depth = 0): readonly z.core.$ZodType[] {
  if (depth > 20) return []
  const into = (...inner: readonly z.core.$ZodType[]) => inner.flatMap(one => alternatives(one, depth + 1))
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodLazy
  ) {
    return into(schema.unwrap())
  }
  if (schema instanceof z.ZodUnion) return into(...schema.options)
  if (schema instanceof z.ZodIntersection) return into(schema.def.left, schema.def.right)
  if (schema instanceof z.ZodPipe) return into(schema.in)
  return [schema]
}

/** Leaves out branches of a union whose literal fields (`kind: User`) contradict the value. */
function discriminatorsAgree(schema: z.ZodObject, value: unknown): boolean {
  return Object.entries(schema.shape).every(([key, field]) => {
    if (!(field instanceof z.ZodLiteral)) return true
    const found = valueAt(value, [key])
    return found === undefined || [...field.values].some(allowed => allowed === found)
  })
}
