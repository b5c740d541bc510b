import type { google } from '../../gen/wire.js'

/** A protobuf Struct as a plain object. */
export function structToPlain(struct: google.protobuf.IStruct | null | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(struct?.fields ?? {}).map(([key, value]) => [key, plain(value)]))
}

function plain(value: google.protobuf.IValue): unknown {
  if (value.listValue) return (value.listValue.values ?? []).map(plain)
  if (value.structValue) return structToPlain(value.structValue)
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null
}

/** A plain object as a protobuf Struct. */
export function plainToStruct(object: Readonly<Record<string, unknown>>): google.protobuf.IStruct {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])) }
}

function toValue(value: unknown): google.protobuf.IValue {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'number') return { numberValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } }
  if (typeof value === 'object' && value !== null) return { structValue: plainToStruct({ ...value }) }
  return { nullValue: 0 }
}
