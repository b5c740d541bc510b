import type { DeclarationSource } from './declarations.js'

type Declared = DeclarationSource['functions'][number]

const timestamp = 'google.protobuf.Timestamp'
const duration = 'google.protobuf.Duration'

/** Orderings: within a type, and between numbers of different types (on in Kubernetes since 1.28). */
const orderings = [
  ['less', '_<_'],
  ['less_equals', '_<=_'],
  ['greater', '_>_'],
  ['greater_equals', '_>=_'],
] as const

const ordered = [
  ['bool', 'bool', 'bool'],
  ['int64', 'int', 'int'],
  ['int64_double', 'int', 'double'],
  ['int64_uint64', 'int', 'uint'],
  ['uint64', 'uint', 'uint'],
  ['uint64_double', 'uint', 'double'],
  ['uint64_int64', 'uint', 'int'],
  ['double', 'double', 'double'],
  ['double_int64', 'double', 'int'],
  ['double_uint64', 'double', 'uint'],
  ['string', 'string', 'string'],
  ['bytes', 'bytes', 'bytes'],
  ['timestamp', timestamp, timestamp],
  ['duration', duration, duration],
] as const

const arithmetic: readonly Declared[] = [
  { id: 'add_bytes', signature: '_+_(bytes, bytes) -> bytes' },
  { id: 'add_double', signature: '_+_(double, double) -> double' },
  { id: 'add_duration_duration', signature: `_+_(${duration}, ${duration}) -> ${duration}` },
  { id: 'add_duration_timestamp', signature: `_+_(${duration}, ${timestamp}) -> ${timestamp}` },
  { id: 'add_timestamp_duration', signature: `_+_(${timestamp}, ${duration}) -> ${timestamp}` },
  { id: 'add_int64', signature: '_+_(int, int) -> int' },
  { id: 'add_list', signature: '_+_(list(<A>), list(<A>)) -> list(<A>)' },
  { id: 'add_string', signature: '_+_(string, string) -> string' },
  { id: 'add_uint64', signature: '_+_(uint, uint) -> uint' },
  { id: 'divide_double', signature: '_/_(double, double) -> double' },
  { id: 'divide_int64', signature: '_/_(int, int) -> int' },
  { id: 'divide_uint64', signature: '_/_(uint, uint) -> uint' },
  { id: 'modulo_int64', signature: '_%_(int, int) -> int' },
  { id: 'modulo_uint64', signature: '_%_(uint, uint) -> uint' },
  { id: 'multiply_double', signature: '_*_(double, double) -> double' },
  { id: 'multiply_int64', signature: '_*_(int, int) -> int' },
  { id: 'multiply_uint64', signature: '_*_(uint, uint) -> uint' },
  { id: 'negate_double', signature: '-_(double) -> double' },
  { id: 'negate_int64', signature: '-_(int) -> int' },
  { id: 'subtract_double', signature: '_-_(double, double) -> double' },
  { id: 'subtract_duration_duration', signature: `_-_(${duration}, ${duration}) -> ${duration}` },
  { id: 'subtract_int64', signature: '_-_(int, int) -> int' },
  { id: 'subtract_timestamp_duration', signature: `_-_(${timestamp}, ${duration}) -> ${timestamp}` },
  { id: 'subtract_timestamp_timestamp', signature: `_-_(${timestamp}, ${timestamp}) -> ${duration}` },
  { id: 'subtract_uint64', signature: '_-_(uint, uint) -> uint' },
]

const others: readonly Declared[] = [
  { id: 'conditional', signature: '_?_:_(bool, <A>, <A>) -> <A>' },
  { id: 'logical_and', signature: '_&&_(bool, bool) -> bool' },
  { id: 'logical_or', signature: '_||_(bool, bool) -> bool' },
  { id: 'logical_not', signature: '!_(bool) -> bool' },
  { id: 'equals', signature: '_==_(<A>, <A>) -> bool' },
  { id: 'not_equals', signature: '_!=_(<A>, <A>) -> bool' },
  { id: 'in_list', signature: '@in(<A>, list(<A>)) -> bool' },
  { id: 'in_map', signature: '@in(<A>, map(<A>, <B>)) -> bool' },
  { id: 'index_list', signature: '_[_](list(<A>), int) -> <A>' },
  { id: 'index_map', signature: '_[_](map(<A>, <B>), <A>) -> <B>' },
]

/**
 * CEL's operators (cel-spec langdef, "List of Standard Definitions"), under the ids of cel-go and in its order, which tells
 * the type of an expression over values of no known type (`[][0] + [][0]`).
 */
export const standardOperators: DeclarationSource = {
  name: 'operators',
  functions: [
    ...others,
    ...arithmetic,
    ...orderings.flatMap(([verb, operator]) =>
      ordered.map(([kind, left, right]) => ({
        id: `${verb}_${kind}`,
        signature: `${operator}(${left}, ${right}) -> bool`,
      })),
    ),
  ],
}

/** The index operators of optional values (cel-go `cel.OptionalTypes`). `a.?b` is a select and needs no declaration. */
export const optionalOperators: DeclarationSource = {
  name: 'optional operators',
  types: ['optional_type'],
  functions: [
    { id: 'optional_list_index_int', signature: '_[_](optional_type(list(<V>)), int) -> optional_type(<V>)' },
    { id: 'optional_map_index_value', signature: '_[_](optional_type(map(<K>, <V>)), <K>) -> optional_type(<V>)' },
    { id: 'list_optindex_optional_int', signature: '_[?_](list(<V>), int) -> optional_type(<V>)' },
    { id: 'map_optindex_optional_value', signature: '_[?_](map(<K>, <V>), <K>) -> optional_type(<V>)' },
    {
      id: 'optional_list_optindex_optional_int',
      signature: '_[?_](optional_type(list(<V>)), int) -> optional_type(<V>)',
    },
    {
      id: 'optional_map_optindex_optional_value',
      signature: '_[?_](optional_type(map(<K>, <V>)), <K>) -> optional_type(<V>)',
    },
  ],
}
