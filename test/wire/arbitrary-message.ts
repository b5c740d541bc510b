import fc from 'fast-check'
import protobuf from 'protobufjs'

type PlainMessage = Record<string, unknown>

/** Random plain messages of a type: any subset of its fields, at most one of each oneof, nested up to `depth`. */
export function arbitraryMessage(type: protobuf.Type, depth: number): fc.Arbitrary<PlainMessage> {
  const groups: fc.Arbitrary<PlainMessage>[] = []
  for (const field of type.fieldsArray) {
    if (field.partOf === null) groups.push(optionally(field, depth))
  }
  for (const oneof of type.oneofsArray) {
    const members = oneof.fieldsArray
      .filter(field => depth > 0 || !isMessage(field))
      .map(field => present(field, depth))
    if (members.length > 0) groups.push(fc.oneof(fc.constant({}), ...members))
  }
  return fc.tuple(...groups).map(parts => Object.assign({}, ...parts))
}

function optionally(field: protobuf.Field, depth: number): fc.Arbitrary<PlainMessage> {
  const absent = fc.constant<PlainMessage>({})
  return isMessage(field) && depth <= 0 ? absent : fc.oneof(absent, present(field, depth))
}

function present(field: protobuf.Field, depth: number): fc.Arbitrary<PlainMessage> {
  const single = value(field, depth - 1)
  const all = field.map
    ? fc.dictionary(text, single, { maxKeys: 3, noNullPrototype: true })
    : field.repeated
      ? fc.array(single, { maxLength: 3 })
      : single
  return all.map(content => ({ [field.name]: content }))
}

const text = fc.string({ unit: 'binary', maxLength: 12 })

function value(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Type) return arbitraryMessage(field.resolvedType, depth)
  if (field.resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.values(field.resolvedType.values))
  switch (field.type) {
    case 'string':
      return text
    case 'bytes':
      return fc.uint8Array({ maxLength: 12 })
    case 'bool':
      return fc.boolean()
    case 'double':
      return fc.double({ noNaN: true })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.nat()
    case 'int64':
      return fc.maxSafeInteger()
    default:
      throw new Error(`no arbitrary for ${field.type}; add one`)
  }
}

function isMessage(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Type
}
