import { fromBinary } from '@bufbuild/protobuf'
import {
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  type Value as JsonValue,
  ListValueSchema,
  StringValueSchema,
  type Struct,
  StructSchema,
  TimestampSchema,
  UInt32ValueSchema,
  UInt64ValueSchema,
  ValueSchema,
} from '@bufbuild/protobuf/wkt'
import { mapKey } from '../../src/cel/values/map-key.js'
import { Duration, type MapKey, Timestamp, TypeValue, Uint, type Value } from '../../src/cel/values/value.js'
import type { SpecValue } from './spec-case.js'

/** A value of the suite as ours; undefined for messages that CEL has no value for, and for enums. */
export function specValue({ kind }: SpecValue): Value | undefined {
  switch (kind.case) {
    case 'nullValue':
      return null
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'int64Value':
    case 'bytesValue':
      return kind.value
    case 'uint64Value':
      return new Uint(kind.value)
    case 'typeValue':
      return new TypeValue(kind.value)
    case 'listValue': {
      const items = kind.value.values.map(specValue).filter(item => item !== undefined)
      return items.length === kind.value.values.length ? items : undefined
    }
    case 'mapValue': {
      const map = new Map<MapKey, Value>()
      for (const { key, value } of kind.value.entries) {
        const name = key && specValue(key)
        const known = name === undefined ? undefined : mapKey(name)
        const item = value && specValue(value)
        if (known === undefined || item === undefined) return undefined
        map.set(known, item)
      }
      return map
    }
    case 'objectValue':
      return wellKnownValue(kind.value.typeUrl, kind.value.value)
    default:
      return undefined
  }
}

/** Messages that CEL has values for, and which a host turns into them: times, wrappers, JSON (cel-spec langdef.md). */
function wellKnownValue(typeUrl: string, bytes: Uint8Array): Value | undefined {
  switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
    case 'google.protobuf.Timestamp': {
      const { seconds, nanos } = fromBinary(TimestampSchema, bytes)
      return new Timestamp(seconds * 1_000_000_000n + BigInt(nanos))
    }
    case 'google.protobuf.Duration': {
      const { seconds, nanos } = fromBinary(DurationSchema, bytes)
      return new Duration(seconds * 1_000_000_000n + BigInt(nanos))
    }
    case 'google.protobuf.BoolValue':
      return fromBinary(BoolValueSchema, bytes).value
    case 'google.protobuf.StringValue':
      return fromBinary(StringValueSchema, bytes).value
    case 'google.protobuf.BytesValue':
      return fromBinary(BytesValueSchema, bytes).value
    case 'google.protobuf.DoubleValue':
      return fromBinary(DoubleValueSchema, bytes).value
    case 'google.protobuf.FloatValue':
      return fromBinary(FloatValueSchema, bytes).value
    case 'google.protobuf.Int32Value':
      return BigInt(fromBinary(Int32ValueSchema, bytes).value)
    case 'google.protobuf.Int64Value':
      return fromBinary(Int64ValueSchema, bytes).value
    case 'google.protobuf.UInt32Value':
      return new Uint(BigInt(fromBinary(UInt32ValueSchema, bytes).value))
    case 'google.protobuf.UInt64Value':
      return new Uint(fromBinary(UInt64ValueSchema, bytes).value)
    case 'google.protobuf.Struct':
      return structValue(fromBinary(StructSchema, bytes))
    case 'google.protobuf.ListValue':
      return fromBinary(ListValueSchema, bytes).values.map(jsonValue)
    case 'google.protobuf.Value':
      return jsonValue(fromBinary(ValueSchema, bytes))
    default:
      return undefined
  }
}

function structValue({ fields }: Struct): Value {
  return new Map(Object.entries(fields).map(([name, field]) => [name, jsonValue(field)]))
}

function jsonValue({ kind }: JsonValue): Value {
  switch (kind.case) {
    case 'boolValue':
    case 'numberValue':
    case 'stringValue':
      return kind.value
    case 'structValue':
      return structValue(kind.value)
    case 'listValue':
      return kind.value.values.map(jsonValue)
    default:
      return null
  }
}
