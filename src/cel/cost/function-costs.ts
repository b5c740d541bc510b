import { kubernetesCheckPrice } from '../library/authz.js'
import { namedFormats } from '../library/named-format.js'
import { aheadUnits } from '../library/pattern-matches.js'
import { patternShape } from '../library/pattern-shape.js'
import { largestProgram, longestPattern } from '../library/patterns.js'
import { dearestNumber } from '../library/string-format.js'
import type { Literal } from '../syntax/ast.js'
import { zoneUnits } from '../values/time-zone.js'
import { type InputSizes, ordinaryLengths } from './input-sizes.js'
import {
  add,
  type CostRange,
  exactly,
  fullTens,
  one,
  type Range,
  type SizeRange,
  sum,
  tens,
  through,
  through2,
  times,
  upTo,
  zero,
} from './range.js'
import { anything, listOf, listSize, mapOf, type Shape, scalar, textOf, textSize, union } from './shape.js'

/** An operand of a call: the target of a method is the first. */
export interface Operand {
  readonly shape: Shape
  /** Its value, if it is written in the expression. */
  readonly literal: Literal | undefined
}

/** What a call costs beside its operands, and what it gives. */
export interface Priced {
  readonly cost: CostRange
  readonly shape: Shape
}

type Pricing = (operands: Operands) => Priced

/** Operands by position; one that is missing is a scalar. */
class Operands {
  readonly sizes: InputSizes
  readonly count: number
  readonly #all: readonly Operand[]

  constructor(all: readonly Operand[], sizes: InputSizes) {
    this.#all = all
    this.sizes = sizes
    this.count = all.length
  }

  shape(at: number): Shape {
    return this.#all[at]?.shape ?? scalar
  }

  text(at: number): SizeRange {
    return textSize(this.shape(at))
  }

  list(at: number): SizeRange {
    return listSize(this.shape(at))
  }

  /** The length of what is looked for. */
  wanted(at: number): SizeRange {
    const text = this.text(at)
    if (this.sizes.ordinary !== true || this.literalText(at) !== undefined) return text
    return through(text, size => Math.min(size, ordinaryLengths.wanted))
  }

  literalText(at: number): string | undefined {
    const literal = this.#all[at]?.literal
    return literal?.type === 'string' ? literal.value : undefined
  }

  literalNumber(at: number): number | undefined {
    const literal = this.#all[at]?.literal
    return literal?.type === 'int' ? Number(literal.value) : undefined
  }
}

/** Every call costs a unit; `more` is what comes on top. */
function costs(more: Range, shape: Shape = scalar): Priced {
  return { cost: add(one, more), shape }
}

const nominal: Pricing = () => costs(zero)

/** One unit, or one for each ten characters begun, whichever is more. */
function traversed(text: SizeRange, factor = 1): CostRange {
  return through(text, size => factor * Math.max(1, tens(size)))
}

/** Texts that functions make of numbers, times and addresses. */
const shortText = textOf(upTo(350))

const searchCost = (text: number, part: number) => 1 + fullTens(text) * Math.max(1, fullTens(part))
const searched = (o: Operands): CostRange => through2(o.text(0), o.wanted(1), searchCost)

const standard: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [['size_string', 'string_size'], o => costs(through(o.text(0), size => Math.floor(size / 64)))],
  [['size_bytes', 'size_list', 'size_map', 'bytes_size', 'list_size', 'map_size'], nominal],
  [['contains_string'], o => costs(through2(o.text(0), o.wanted(1), (a, b) => Math.max(tens(a) * tens(b) - 1, 0)))],
  [
    ['starts_with_string', 'ends_with_string'],
    o => costs(through2(o.text(0), o.text(1), (a, b) => fullTens(Math.min(a, b)))),
  ],
  [['matches', 'matches_string'], o => ({ cost: matching(o), shape: scalar })],
  [
    ['string_to_bytes'],
    o => costs(through(o.text(0), fullTens), textOf({ min: o.text(0).min, max: 3 * o.text(0).max })),
  ],
  [['bytes_to_string'], o => costs(through(o.text(0), fullTens), textOf({ min: 0, max: o.text(0).max }))],
  [['string_to_string', 'bytes_to_bytes', 'to_dyn'], o => costs(zero, o.shape(0))],
  [
    [
      ...['bool', 'int64', 'uint64', 'double', 'timestamp', 'duration'].map(type => `${type}_to_string`),
      'ip_to_string',
      'cidr_to_string',
    ],
    () => costs(zero, shortText),
  ],
  [
    [
      ...['int64_to_int64', 'uint64_to_int64', 'double_to_int64', 'string_to_int64', 'timestamp_to_int64'],
      ...['duration_to_int64', 'uint64_to_uint64', 'int64_to_uint64', 'double_to_uint64', 'string_to_uint64'],
      ...['double_to_double', 'int64_to_double', 'uint64_to_double', 'string_to_double', 'bool_to_bool'],
      ...['string_to_bool', 'timestamp_to_timestamp', 'string_to_timestamp', 'int64_to_timestamp'],
      ...['duration_to_duration', 'string_to_duration', 'type'],
    ],
    nominal,
  ],
]

const timeParts = [
  ...['year', 'month', 'day_of_year', 'day_of_month', 'day_of_month_1_based', 'day_of_week', 'hours', 'minutes'],
  ...['seconds', 'milliseconds'],
]

const clock: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [timeParts.map(part => `timestamp_to_${part}`), nominal],
  [
    timeParts.map(part => (part === 'seconds' ? 'timestamp_to_seconds_tz' : `timestamp_to_${part}_with_tz`)),
    o => costs(inZone(o.literalText(1))),
  ],
  [['hours', 'minutes', 'seconds', 'milliseconds'].map(part => `duration_to_${part}`), nominal],
]

/** A zone that is written out was looked up at load; only its offset is to pay for. */
function inZone(zone: string | undefined): CostRange {
  if (zone === undefined) return upTo(zoneUnits.zone + zoneUnits.offset)
  return zone === 'UTC' || zone === '' || zone.includes(':') ? zero : exactly(zoneUnits.offset)
}

const optionals: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [['optional_none', 'optional_hasValue'], nominal],
  [['optional_of', 'optional_ofNonZeroValue', 'optional_value'], o => costs(zero, o.shape(0))],
  [['optional_or_optional', 'optional_orValue_value'], o => costs(zero, union([o.shape(0), o.shape(1)]))],
  [['list_first', 'list_last'], o => costs(zero, o.shape(0).items)],
  [
    ['optional_unwrap', 'optional_unwrapOpt'],
    o =>
      costs(
        o.list(0),
        listOf(upTo(o.list(0).max), () => o.shape(0).items),
      ),
  ],
]

/** Characters, quarters of the pattern or of its program, as `searchUnits` in library/pattern-matches.ts. */
function search(text: SizeRange, weight: Range): CostRange {
  return through2(text, weight, (size, heavy) => tens(size + 1) * Math.max(1, Math.ceil(heavy / 4)))
}

interface Pattern {
  readonly weight: Range
  /** Compiling it, if that was not done at load. */
  readonly compiling: CostRange
  /** Whether a search may look at the whole rest of the text and settle for less. */
  readonly looksAhead: boolean
}

/** Instructions that RE2 has in every program. */
const programFrame = 4

function patternOf(o: Operands, at: number): Pattern {
  const source = o.literalText(at)
  if (source !== undefined) {
    const { size, chain } = patternShape(source)
    const weight = { min: source.length, max: Math.min(largestProgram, Math.max(source.length, size + programFrame)) }
    return { weight, compiling: zero, looksAhead: !chain }
  }
  const length = Math.min(o.wanted(at).max, longestPattern)
  if (o.sizes.ordinary === true) return { weight: upTo(length), compiling: upTo(28 * length), looksAhead: false }
  // One that repeats too much is refused before it is compiled, but has been charged what its instructions would be.
  const compiling = length < 4 ? 28 * length : Number.MAX_SAFE_INTEGER
  return {
    weight: upTo(length < 4 ? 4 * length + programFrame : largestProgram),
    compiling: upTo(compiling),
    looksAhead: true,
  }
}

function matching(o: Operands): CostRange {
  const { weight, compiling } = patternOf(o, 1)
  return add(search(o.text(0), weight), compiling)
}

/** Each match leaves objects behind, and may look further than it reaches (library/pattern-matches.ts). */
function findingAll(text: SizeRange, { weight, looksAhead }: Pattern): CostRange {
  const ahead = looksAhead ? aheadUnits(text.max, weight.max) : 0
  return times(upTo(text.max + 1), upTo(4 + ahead))
}

function finding(o: Operands, all: boolean, at = 1): CostRange {
  const text = o.text(0)
  const pattern = patternOf(o, at)
  const once = add(search(text, pattern.weight), pattern.compiling)
  return all ? add(once, findingAll(text, pattern)) : once
}

function replaced(o: Operands): Priced {
  const [text, part, by] = [o.text(0), o.wanted(1), o.wanted(2)]
  const found = part.min === 0 ? text.max + 1 : Math.floor(text.max / part.min)
  const growth = upTo(found * Math.max(0, by.max - part.min))
  const searching = through2(text, part, (size, length) => 2 * fullTens(size) * Math.max(1, fullTens(length)))
  return costs(add(searching, through(growth, fullTens)), textOf(upTo(text.max + growth.max)))
}

function splitted(o: Operands): Priced {
  const [text, separator] = [o.text(0), o.wanted(1)]
  const searching = through2(text, separator, (size, length) => 2 * fullTens(size) * Math.max(1, fullTens(length)))
  const ordinary = o.sizes.ordinary === true && separator.max > 0
  const shortest = ordinary ? ordinaryLengths.part : separator.min
  const parts = shortest === 0 ? text.max : Math.floor(text.max / shortest) + 1
  const limit = o.literalNumber(2)
  const size = upTo(limit !== undefined && limit >= 0 ? Math.min(limit, parts) : Math.max(parts, 1))
  const parting = through(size, count => (count === 0 ? 0 : Math.floor((count + 1) / 2)))
  return costs(
    add(searching, parting),
    listOf(size, () => textOf(upTo(ordinary ? Math.min(text.max, ordinaryLengths.wanted) : text.max))),
  )
}

function joined(o: Operands): Priced {
  const size = o.list(0)
  const each = textSize(o.shape(0).items)
  const separators = times(
    through(size, count => Math.max(0, count - 1)),
    o.text(1),
  )
  const length = add(times(size, each), separators)
  return costs(
    add(
      through(size, fullTens),
      through(length, value => fullTens(2 * value)),
    ),
    textOf(length),
  )
}

/** Of what each clause may cost by itself, its argument may cost the most. */
function formatted(o: Operands): Priced {
  const source = o.literalText(0)
  const format = o.text(0)
  const clauses = source === undefined ? Math.floor(format.max / 2) : source.split('%').length - 1
  const precision = source === undefined ? 1_000_000 : longestPrecision(source)
  const argument = o.shape(1).items
  const each = Math.max(dearestNumber.digits + fullTens(precision), argument.most('showing'))
  const shown = Math.max(330 + precision, argument.most('shown'))
  const cost = { min: fullTens(format.min), max: fullTens(format.max) + clauses * each }
  return costs(cost, textOf(upTo(format.max + clauses * shown)))
}

function longestPrecision(format: string): number {
  let longest = 6
  for (const [, digits] of format.matchAll(/%\.(\d{1,7})/g)) longest = Math.max(longest, Number(digits))
  return longest
}

const changed: Pricing = o => costs(through(o.text(0), fullTens), textOf(upTo(o.text(0).max)))

const strings: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [['string_char_at_int'], o => costs(through(o.text(0), fullTens), textOf(upTo(2)))],
  [
    ['string_index_of_string', 'string_last_index_of_string'],
    // From an empty part on there is nothing to look for.
    o => ({ cost: { min: 1, max: searched(o).max }, shape: scalar }),
  ],
  [
    ['string_index_of_string_int', 'string_last_index_of_string_int'],
    o => ({ cost: { min: 1, max: searched(o).max }, shape: scalar }),
  ],
  [['list_join', 'list_join_string'], joined],
  [['string_lower_ascii', 'string_upper_ascii'], o => costs(through(o.text(0), fullTens), textOf(o.text(0)))],
  [['string_reverse'], o => costs(through(o.text(0), fullTens), textOf(o.text(0)))],
  [['string_trim', 'string_substring_int', 'string_substring_int_int'], changed],
  [['string_replace_string_string', 'string_replace_string_string_int'], replaced],
  [['string_split_string', 'string_split_string_int'], splitted],
  [
    ['strings_quote'],
    o => costs(through(o.text(0), fullTens), textOf({ min: o.text(0).min + 2, max: 2 * o.text(0).max + 2 })),
  ],
  [['string_format'], formatted],
  [['string_find_string'], o => ({ cost: finding(o, false), shape: textOf(upTo(o.text(0).max)) })],
  [
    ['string_find_all_string', 'string_find_all_string_int'],
    o => ({ cost: finding(o, true), shape: listOf(upTo(o.text(0).max + 1), () => textOf(upTo(o.text(0).max))) }),
  ],
  [
    ['regex_extract_string_string'],
    o => ({ cost: add(finding(o, false), upTo(4)), shape: textOf(upTo(o.text(0).max)) }),
  ],
  [
    ['regex_extractAll_string_string'],
    o => ({ cost: finding(o, true), shape: listOf(upTo(o.text(0).max + 1), () => textOf(upTo(o.text(0).max))) }),
  ],
  [['regex_replace_string_string_string', 'regex_replace_string_string_string_int'], regexReplaced],
]

/** Each match may be replaced by as many parts as the replacement has, each of which may be the whole match. */
function regexReplaced(o: Operands): Priced {
  const [text, by] = [o.text(0), o.text(2)]
  const matches = text.max + 1
  const result = upTo(text.max + matches * by.max + by.max * text.max)
  const writing = upTo(fullTens(text.max + matches * (by.max + 1)) + matches * (by.max + 1) + fullTens(result.max))
  return { cost: { min: 1, max: sum(finding(o, true), writing).max }, shape: textOf(result) }
}

/** Comparing an element with another beyond the first unit. */
function comparingItems(o: Operands, at: number): Range {
  return upTo(o.shape(at).items.most('comparing'))
}

/** Order of neighbours: a unit, or one for each ten characters. */
function ordering(items: Shape): Range {
  return through(textSize(items), size => Math.max(1, tens(size)))
}

const perElement = (o: Operands): CostRange => times(o.list(0), ordering(o.shape(0).items))

/** For a list: finding may end at the first, but every element is paid for. */
const foundInList: Pricing = o => {
  const each = Math.min(o.shape(0).items.most('comparing'), o.shape(1).most('comparing'))
  return costs(add(o.list(0), times(upTo(o.list(0).max), upTo(each))))
}

const comparables = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']
const sortables = [
  ...['int', 'uint', 'double', 'bool', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'string', 'bytes'],
]

function sorted(o: Operands, keysAt: number): Priced {
  const keys = o.list(keysAt)
  const square = through(keys, size => 10 + Math.floor(2.1 * size * size))
  const longest = ordering(o.shape(keysAt).items).max - 1
  const long = upTo(longest * keys.max * Math.ceil(Math.log2(keys.max + 1)))
  const least = keys.min === 0 ? 0 : 10 + 2 * keys.min * keys.min
  return costs(add({ min: least, max: square.max }, long), o.shape(0))
}

const lists: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [
    comparables.map(type => `list_${type}_is_sorted_bool`),
    o => ({ cost: { min: 1, max: add(one, perElement(o)).max }, shape: scalar }),
  ],
  [
    comparables.flatMap(type => [`list_${type}_min_${type}`, `list_${type}_max_${type}`]),
    o => ({ cost: { min: Math.max(1, o.list(0).min), max: add(one, perElement(o)).max }, shape: o.shape(0).items }),
  ],
  [['int', 'uint', 'double', 'duration'].map(type => `list_${type}_sum_${type}`), o => costs(upTo(o.list(0).max))],
  [['list_a_index_of_int', 'list_a_last_index_of_int', 'list_a_includes_bool'], foundInList],
  [
    ['list_slice'],
    o =>
      costs(
        { min: 10, max: 10 + o.list(0).max },
        listOf(upTo(o.list(0).max), () => o.shape(0).items),
      ),
  ],
  [['list_flatten'], o => flattened(o, o.list(0).max * (1 + listSize(o.shape(0).items).max))],
  [['list_flatten_int'], o => flattened(o, o.shape(0).most('elements'))],
  [['lists_range'], ranged],
  [['list_reverse'], o => costs(add(exactly(10), o.list(0)), o.shape(0))],
  [['list_distinct'], distinct],
  [sortables.map(type => `list_${type}_sort`), o => sorted(o, 0)],
  [sortables.map(type => `list_${type}_sortByAssociatedKeys`), o => sorted(o, 1)],
  [['list_sets_contains_list', 'list_sets_intersects_list'], o => sets(o, 1)],
  [['list_sets_equivalent_list'], o => sets(o, 2)],
]

function flattened(o: Operands, elements: number): Priced {
  const items = o.shape(0).items
  return costs(
    { min: 10 + o.list(0).min, max: 10 + elements },
    listOf(upTo(elements), () => union([items, items.items, anything(o.sizes)])),
  )
}

/** Longest list that functions make (library/lists.ts). */
const longestRange = 1 << 24

function ranged(o: Operands): Priced {
  const given = o.literalNumber(0)
  const size = given === undefined ? upTo(longestRange) : exactly(Math.max(0, Math.min(given, longestRange)))
  return costs(
    add(exactly(10), size),
    listOf(size, () => scalar),
  )
}

function distinct(o: Operands): Priced {
  const size = o.list(0)
  const pairs = times(size, size).max
  const more = pairs * o.shape(0).items.most('comparing') + (hashed(o.shape(0).items) ? 0 : pairs)
  const cost = { min: 10 + 2 * size.min * size.min, max: 10 + 2.1 * pairs + more }
  return costs(
    through(cost, Math.floor),
    listOf({ min: Math.min(1, size.min), max: size.max }, () => o.shape(0).items),
  )
}

/** Whether elements are found by hash, so that they need not be compared. Times and bytes are not; they cannot be told. */
function hashed(items: Shape): boolean {
  return items.text !== undefined && items.list === undefined && items.map === undefined
}

function sets(o: Operands, passes: number): Priced {
  const [a, b] = [o.list(0), o.list(1)]
  const pairs = through2(a, b, (x, y) => Math.max(x * y, x, y))
  const each = Math.min(comparingItems(o, 0).max, comparingItems(o, 1).max)
  const more = hashed(o.shape(0).items) || hashed(o.shape(1).items) ? 0 : pairs.max * (1 + each)
  return costs({ min: pairs.min, max: passes * (pairs.max + more) })
}

const number = ['double', 'int', 'uint']
const extremes = ['math_@max', 'math_@min'].flatMap(id => [
  ...number.map(type => `${id}_${type}`),
  ...number.map(type => `${id}_list_${type}`),
  ...number.flatMap(a => number.map(b => `${id}_${a}_${b}`)),
])

const math: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [extremes, extreme],
  [
    [
      ...['ceil', 'floor', 'round', 'trunc', 'isInf', 'isNaN', 'isFinite'].map(name => `math_${name}_double`),
      ...['abs', 'sign', 'sqrt'].flatMap(name => number.map(type => `math_${name}_${type}`)),
      ...['bitAnd', 'bitOr', 'bitXor', 'bitNot'].flatMap(name => [`math_${name}_int_int`, `math_${name}_uint_uint`]),
      ...['bitShiftLeft', 'bitShiftRight'].flatMap(name => [`math_${name}_int_int`, `math_${name}_uint_int`]),
    ],
    nominal,
  ],
]

/** Of one number, of two or more, or of a list of them. */
function extreme(o: Operands): Priced {
  const count = o.count > 1 ? exactly(o.count) : { min: 1, max: Math.max(1, o.list(0).max) }
  return { cost: count, shape: scalar }
}

/** What an accessor of a URL reads, which may be written longer than it was. */
const accessor = (o: Operands): CostRange => ({ min: 1, max: 1 + fullTens(3 * o.text(0).max) })
const partOfUrl: Pricing = o => ({ cost: accessor(o), shape: textOf(upTo(3 * o.text(0).max)) })
const parsed: Pricing = o => ({ cost: traversed(o.text(0)), shape: textOf(o.text(0)) })

/** Two addresses, of which the first is a network: four bytes or sixteen. */
const within: CostRange = { min: 0, max: 4 }
const around: CostRange = { min: 1, max: 7 }

const longestFormat = Math.max(0, ...[...namedFormats.values()].map(format => format.patternLength))

const network: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [['string_to_url', 'string_to_ip', 'string_to_cidr', 'string_to_quantity', 'string_to_semver'], parsed],
  [['string_bool_to_semver'], parsed],
  [
    ['is_url_string', 'is_ip', 'is_cidr', 'is_quantity_string', 'is_semver_string', 'is_semver_string_bool'],
    o => ({ cost: traversed(o.text(0)), shape: scalar }),
  ],
  [['ip_is_canonical'], o => ({ cost: traversed(o.text(0), 2), shape: scalar })],
  [['url_get_scheme', 'url_get_host', 'url_get_hostname', 'url_get_port', 'url_get_escaped_path'], partOfUrl],
  [
    ['url_get_query'],
    o => {
      const part = () => textOf(upTo(3 * o.text(0).max))
      return { cost: accessor(o), shape: mapOf(upTo(o.text(0).max), part, () => listOf(upTo(o.text(0).max), part)) }
    },
  ],
  [
    [
      ...['ip_family', 'ip_is_unspecified', 'ip_is_loopback', 'ip_is_link_local_multicast', 'ip_is_link_local_unicast'],
      ...['ip_is_global_unicast', 'cidr_prefix_length', 'quantity_sign', 'quantity_is_greater_than'],
      ...['quantity_is_less_than', 'quantity_compare_to', 'quantity_get_float', 'quantity_get_int'],
      ...['quantity_is_integer', 'semver_major', 'semver_minor', 'semver_patch'],
    ],
    nominal,
  ],
  [['quantity_add', 'quantity_add_int', 'quantity_sub', 'quantity_sub_int'], nominal],
  [['cidr_ip', 'cidr_masked'], () => costs(zero, shortText)],
  [['cidr_contains_ip_ip'], () => ({ cost: { min: 1, max: 4 }, shape: scalar })],
  [['cidr_contains_ip_string'], o => ({ cost: add(within, traversed(o.text(1))), shape: scalar })],
  [['cidr_contains_cidr'], () => ({ cost: around, shape: scalar })],
  [['cidr_contains_cidr_string'], o => ({ cost: add(around, traversed(o.text(1))), shape: scalar })],
  [
    ['semver_is_greater_than', 'semver_is_less_than', 'semver_compare_to'],
    o => costs(upTo(fullTens(Math.min(o.text(0).max, o.text(1).max)))),
  ],
  [[...namedFormats.keys()].map(name => `format.${name}`), nominal],
  [['format-named'], nominal],
  [
    ['format-validate'],
    o => {
      const cost = { min: 1, max: search(o.text(1), exactly(longestFormat)).max }
      return { cost, shape: listOf(upTo(64), () => textOf(upTo(1000 + o.text(1).max))) }
    },
  ],
  [
    ['string_jsonpatch_escapeKey_string'],
    o => ({ cost: traversed(o.text(0)), shape: textOf({ min: o.text(0).min, max: 2 * o.text(0).max }) }),
  ],
  [['base64_decode_string'], o => costs(through(o.text(0), fullTens), textOf(upTo(o.text(0).max)))],
  [
    ['base64_encode_bytes'],
    o => costs(through(o.text(0), fullTens), textOf(upTo(Math.ceil((4 * o.text(0).max) / 3) + 4))),
  ],
]

const authorization: readonly (readonly [ids: readonly string[], pricing: Pricing])[] = [
  [['authorizer_path', 'groupcheck_resource'], o => ({ cost: traversed(o.text(1)), shape: scalar })],
  [
    ['authorizer_serviceaccount'],
    o => ({ cost: through2(o.text(1), o.text(2), (a, b) => Math.max(1, fullTens(a + b))), shape: scalar }),
  ],
  [
    [
      ...['authorizer_group', 'resourcecheck_subresource', 'resourcecheck_namespace', 'resourcecheck_name'],
      ...['decision_allowed', 'decision_errored'],
    ],
    nominal,
  ],
  [['decision_reason', 'decision_error'], o => costs(zero, textOf(upTo(o.sizes.inputBytes)))],
  // So that an expression can pay for two and no more (apiserver pkg/cel/library/cost.go).
  [
    ['pathcheck_check', 'resourcecheck_check'],
    o => ({ cost: exactly(o.sizes.checkPrice ?? kubernetesCheckPrice), shape: scalar }),
  ],
  [
    ['authorizer_fieldselector', 'authorizer_labelselector'],
    o => ({ cost: through(o.text(1), size => 10 + tens(size) + Math.ceil(size / 2) * 50), shape: scalar }),
  ],
]

const pricings: ReadonlyMap<string, Pricing> = new Map(
  [...standard, ...clock, ...optionals, ...strings, ...lists, ...math, ...network, ...authorization].flatMap(
    ([ids, pricing]) => ids.map(id => [id, pricing] as const),
  ),
)

/**
 * What a function costs in our libraries, by the id of its overload; undefined for one that is not known here. Rules as in
 * cel-go's `checker/cost.go` and Kubernetes' `pkg/cel/library/cost.go`, where ours charge no more than they do.
 */
export function priceOf(id: string, operands: readonly Operand[], sizes: InputSizes): Priced | undefined {
  return pricings.get(id)?.(new Operands(operands, sizes))
}
