import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js'
import type { getConformanceSuite, IncrementalTest, IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js'
import { type DescField, ScalarType } from '@bufbuild/protobuf'
import type { OverloadDecl } from './parse-signature.js'
import { parseType } from './parse-signature.js'
import { type Type, types } from './type.js'

type SpecDecl = ReturnType<typeof getConformanceSuite>['tests'][number]['original']['typeEnv'][number]
type SpecFunction = Extract<SpecDecl['declKind'], { case: 'function' }>['value']
export type SpecType = NonNullable<SpecFunction['overloads'][number]['resultType']>

/** The numbers of `cel.expr.Type.PrimitiveType`, `.WellKnownType`. */
const primitives = ['error', 'bool', 'int', 'uint', 'double', 'string', 'bytes']
const wellKnown = ['error', 'dyn', 'google.protobuf.Timestamp', 'google.protobuf.Duration']

/** A type of the suite; undefined for types that we have none for. */
export function fromSpec(type: SpecType | undefined): Type | undefined {
  const kind = type?.typeKind
  switch (kind?.case) {
    case 'dyn':
      return types.dyn
    case 'null':
      return types.null
    case 'primitive':
      return parseType(primitives[kind.value] ?? '')
    case 'wrapper':
      return parseType(`wrapper(${primitives[kind.value]})`)
    case 'wellKnown':
      return parseType(wellKnown[kind.value] ?? '')
    case 'typeParam':
      return { kind: 'param', name: kind.value }
    case 'messageType':
      return fromMessage(kind.value)
    case 'listType': {
      const element = fromSpec(kind.value.elemType)
      return element && types.list(element)
    }
    case 'mapType': {
      const key = fromSpec(kind.value.keyType)
      const value = fromSpec(kind.value.valueType)
      return key && value && types.map(key, value)
    }
    case 'abstractType': {
      const parameters = kind.value.parameterTypes.map(fromSpec).filter(part => part !== undefined)
      const [first] = parameters
      if (kind.value.name === 'optional_type') return first && types.optional(first)
      return parameters.length === kind.value.parameterTypes.length
        ? types.opaque(kind.value.name, parameters)
        : undefined
    }
    default:
      return undefined
  }
}

/** Overloads that a test declares; undefined if one has a type that we do not have. */
export function overloadsFromSpec(name: string, { overloads }: SpecFunction): OverloadDecl[] | undefined {
  const declared: OverloadDecl[] = []
  for (const overload of overloads) {
    const params = overload.params.map(fromSpec).filter(type => type !== undefined)
    const result = fromSpec(overload.resultType)
    if (params.length !== overload.params.length || result === undefined) return undefined
    const typeParams = [...params, result].flatMap(
      type => JSON.stringify(type).match(/(?<="param","name":")\w+/g) ?? [],
    )
    const { overloadId: id, isInstanceFunction: member } = overload
    declared.push({ id, name, member, params, result, typeParams: [...new Set(typeParams)] })
  }
  return declared
}

const registry = getTestRegistry()

const scalars = new Map<ScalarType, string>([
  [ScalarType.BOOL, 'bool'],
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
  [ScalarType.DOUBLE, 'double'],
  [ScalarType.FLOAT, 'double'],
  [ScalarType.UINT32, 'uint'],
  [ScalarType.UINT64, 'uint'],
  [ScalarType.FIXED32, 'uint'],
  [ScalarType.FIXED64, 'uint'],
])

const scalarType = (scalar: ScalarType): Type => parseType(scalars.get(scalar) ?? 'int') ?? types.error

const special: Readonly<Record<string, string>> = {
  Timestamp: 'google.protobuf.Timestamp',
  Duration: 'google.protobuf.Duration',
  Any: 'dyn',
  Value: 'dyn',
  Struct: 'map(string, dyn)',
  ListValue: 'list(dyn)',
  BoolValue: 'wrapper(bool)',
  StringValue: 'wrapper(string)',
  BytesValue: 'wrapper(bytes)',
  DoubleValue: 'wrapper(double)',
  FloatValue: 'wrapper(double)',
  Int32Value: 'wrapper(int)',
  Int64Value: 'wrapper(int)',
  UInt32Value: 'wrapper(uint)',
  UInt64Value: 'wrapper(uint)',
}

function fromMessage(name: string): Type {
  const known = name.startsWith('google.protobuf.') ? special[name.slice('google.protobuf.'.length)] : undefined
  const current = name.replace(/^google\.expr\.(proto[23])\.test/, 'cel.expr.conformance.$1')
  return (known === undefined ? undefined : parseType(known)) ?? { kind: 'message', name: current }
}

function fromField(field: DescField): Type {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarType(field.scalar)
    case 'enum':
      return field.enum.typeName === 'google.protobuf.NullValue' ? types.null : types.int
    case 'message':
      return fromMessage(field.message.typeName)
    case 'list':
      if (field.listKind === 'message') return types.list(fromMessage(field.message.typeName))
      return types.list(field.listKind === 'enum' ? types.int : scalarType(field.scalar))
    case 'map':
      if (field.mapKind === 'message') return types.map(scalarType(field.mapKey), fromMessage(field.message.typeName))
      return types.map(scalarType(field.mapKey), field.mapKind === 'enum' ? types.int : scalarType(field.scalar))
  }
}

/** The messages of the suite, as object types with fields. */
export function specMessages(name: string): ReadonlyMap<string, Type> | undefined {
  if (name.startsWith('google.protobuf.')) return undefined
  const message = registry.getMessage(name)
  return message && new Map(message.fields.map(field => [field.name, fromField(field)]))
}

export function testsOf(suite: IncrementalTestSuite): IncrementalTest[] {
  return [...suite.tests, ...suite.suites.flatMap(testsOf)]
}

/** A message or a type as cel-go words it. */
export const goNames = (text: string) =>
  text
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('null_type', 'null')
    .replace(/\btype\(dyn\)/g, 'type')
    .replace(/_var\d+/, 'dyn')
    .replace(/ \(in container .*/, '')
