import { type CelMap, Duration, Opaque, OptionalValue, Timestamp, TypeValue, Uint, type Value } from './value.js'

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isMap(value: Value): value is CelMap {
  return value instanceof Map
}

/** The name of a value's type, as `type(x)` shows it: `int`, `null_type`, `google.protobuf.Timestamp`, `net.IP`. */
export function typeOf(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    default:
      if (value === null) return 'null_type'
      if (isList(value)) return 'list'
      if (value instanceof Map) return 'map'
      if (value instanceof Uint) return 'uint'
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
      if (value instanceof Duration) return 'google.protobuf.Duration'
      if (value instanceof OptionalValue) return 'optional_type'
      if (value instanceof TypeValue) return 'type'
      return value instanceof Opaque ? value.type : 'map'
  }
}
