import { add, type CostRange, exactly, one, type Range, tens, through, through2, times, upTo } from '../range.js'
import { union } from '../shapes/combined-shapes.js'
import { anything } from '../shapes/input-shape.js'
import { listOf } from '../shapes/plain-shapes.js'
import { listSize, type Shape, scalar, textSize } from '../shapes/shape.js'
import type { Operands } from './operands.js'
import { costs, type Priced, type PriceTable } from './pricing.js'

const comparables = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']
const sortables = [
  ...['int', 'uint', 'double', 'bool', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'string', 'bytes'],
]

/** Lists of cel-go and of Kubernetes, and lists as sets. */
export const listCosts: PriceTable = [
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

/** Order of neighbours: a unit, or one for each ten characters. */
function ordering(items: Shape): Range {
  return through(textSize(items), size => Math.max(1, tens(size)))
}

function perElement(o: Operands): CostRange {
  return times(o.list(0), ordering(o.shape(0).items))
}

/** For a list: finding may end at the first, but every element is paid for. */
function foundInList(o: Operands): Priced {
  const each = Math.min(o.shape(0).items.most('comparing'), o.shape(1).most('comparing'))
  return costs(add(o.list(0), times(upTo(o.list(0).max), upTo(each))))
}

function sorted(o: Operands, keysAt: number): Priced {
  const keys = o.list(keysAt)
  const square = through(keys, size => 10 + Math.floor(2.1 * size * size))
  const longest = ordering(o.shape(keysAt).items).max - 1
  const long = upTo(longest * keys.max * Math.ceil(Math.log2(keys.max + 1)))
  const least = keys.min === 0 ? 0 : 10 + 2 * keys.min * keys.min
  return costs(add({ min: least, max: square.max }, long), o.shape(0))
}

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
  const each = Math.min(o.shape(0).items.most('comparing'), o.shape(1).items.most('comparing'))
  const more = hashed(o.shape(0).items) || hashed(o.shape(1).items) ? 0 : pairs.max * (1 + each)
  return costs({ min: pairs.min, max: passes * (pairs.max + more) })
}
