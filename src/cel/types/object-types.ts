import type { MessageFields } from './check-session.js'
import { type Type, types } from './type.js'

/** The object types of MutatingAdmissionPolicy: `Object`, and `Object.spec.x` for what stands in its field `spec.x`. */
export const objectTypeName = 'Object'
export const jsonPatchTypeName = 'JSONPatch'

const jsonPatchFields: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['op', types.string],
  ['from', types.string],
  ['path', types.string],
  ['value', types.dyn],
])

/** The fields of an object type: any of type dyn, or the four of a JSON Patch (apiserver pkg/cel/mutation). */
export function objectFields(name: string): MessageFields | undefined {
  if (name === jsonPatchTypeName) return jsonPatchFields
  return isObjectType(name) ? 'open' : undefined
}

export function isObjectType(name: string): boolean {
  return name === objectTypeName || name.startsWith(`${objectTypeName}.`)
}
