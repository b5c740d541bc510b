/**
 * CEL types as the checker sees them. `dyn` fits everything and is checked at run time; `param` is a type parameter of a
 * declaration; `opaque` are types of libraries by name (`kubernetes.Quantity`, `net.IP`, with parameters `tuple(int, string)`); `message` is an open object type
 * (`Object.metadata`), whose fields are all `dyn`. `type` is the type of a type.
 */
export type Type =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'list'; readonly element: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly value: Type }
  | { readonly kind: 'optional'; readonly value: Type }
  | { readonly kind: 'type'; readonly of: Type }
  | { readonly kind: 'wrapper'; readonly of: 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' }
  | { readonly kind: 'opaque'; readonly name: string; readonly parameters?: readonly Type[] }
  | { readonly kind: 'message'; readonly name: string }
  | { readonly kind: 'param'; readonly name: string }

export type PrimitiveKind =
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | 'error'

const primitive = <K extends PrimitiveKind>(kind: K): { readonly kind: K } => Object.freeze({ kind })

export const types = {
  null: primitive('null'),
  bool: primitive('bool'),
  int: primitive('int'),
  uint: primitive('uint'),
  double: primitive('double'),
  string: primitive('string'),
  bytes: primitive('bytes'),
  timestamp: primitive('timestamp'),
  duration: primitive('duration'),
  dyn: primitive('dyn'),
  error: primitive('error'),
  list: (element: Type): Type => ({ kind: 'list', element }),
  map: (key: Type, value: Type): Type => ({ kind: 'map', key, value }),
  optional: (value: Type): Type => ({ kind: 'optional', value }),
  opaque: (name: string, parameters: readonly Type[] = []): Type =>
    parameters.length === 0 ? { kind: 'opaque', name } : { kind: 'opaque', name, parameters },
} as const

/** As CEL writes it: `list(int)`, `map(string, dyn)`, `optional_type(int)`, `google.protobuf.Timestamp`, `wrapper(int)`, `<T>`. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeName(type.element)})`
    case 'map':
      return `map(${typeName(type.key)}, ${typeName(type.value)})`
    case 'optional':
      return `optional_type(${typeName(type.value)})`
    case 'type':
      return `type(${typeName(type.of)})`
    case 'wrapper':
      return `wrapper(${type.of})`
    case 'opaque':
      return type.parameters === undefined ? type.name : `${type.name}(${type.parameters.map(typeName).join(', ')})`
    case 'message':
      return type.name
    case 'param':
      return `<${type.name}>`
    case 'null':
      return 'null_type'
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'duration':
      return 'google.protobuf.Duration'
    default:
      return type.kind
  }
}
