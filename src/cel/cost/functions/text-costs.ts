import { ordinaryLengths } from '../input-sizes.js'
import {
  add,
  type CostRange,
  exactly,
  fullTens,
  one,
  type SizeRange,
  through,
  through2,
  times,
  upTo,
} from '../range.js'
import { listOf, textOf } from '../shapes/plain-shapes.js'
import { scalar, textSize } from '../shapes/shape.js'
import { formatted } from './format-costs.js'
import type { Operands } from './operands.js'
import { costs, type Priced, type PriceTable } from './pricing.js'

/** Strings, encoders, and the joining of lists to a text; functions of patterns are in pattern-costs.ts. */
export const textCosts: PriceTable = [
  [['string_char_at_int'], o => costs(through(o.text(0), fullTens), textOf(upTo(2)))],
  [
    [
      ...['string_index_of_string', 'string_last_index_of_string'],
      ...['string_index_of_string_int', 'string_last_index_of_string_int'],
    ],
    searched,
  ],
  [['list_join', 'list_join_string'], joined],
  [
    ['string_lower_ascii', 'string_upper_ascii', 'string_reverse'],
    o => costs(through(o.text(0), fullTens), textOf(o.text(0))),
  ],
  [['string_trim', 'string_substring_int', 'string_substring_int_int'], changed],
  [['string_replace_string_string', 'string_replace_string_string_int'], replaced],
  [['string_split_string', 'string_split_string_int'], splitted],
  [
    ['strings_quote'],
    o => costs(through(o.text(0), fullTens), textOf({ min: o.text(0).min + 2, max: 2 * o.text(0).max + 2 })),
  ],
  [['string_format'], formatted],
  [
    ['base64_encode_bytes'],
    o => costs(through(o.text(0), fullTens), textOf(upTo(Math.ceil((4 * o.text(0).max) / 3) + 4))),
  ],
  [['base64_decode_string'], changed],
]

/** From an empty part on there is nothing to look for. */
function searched(o: Operands): Priced {
  return { cost: { min: 1, max: add(one, steps(o.text(0), o.wanted(1))).max }, shape: scalar }
}

/** Looking for a part at every place of a text. */
function steps(text: SizeRange, part: SizeRange): CostRange {
  return through2(text, part, (size, length) => fullTens(size) * Math.max(1, fullTens(length)))
}

function replaced(o: Operands): Priced {
  const [text, part, by] = [o.text(0), o.wanted(1), o.wanted(2)]
  const found = part.min === 0 ? text.max + 1 : Math.floor(text.max / part.min)
  const growth = upTo(found * Math.max(0, by.max - part.min))
  const searching = times(exactly(2), steps(text, part))
  return costs(add(searching, through(growth, fullTens)), textOf(upTo(text.max + growth.max)))
}

function splitted(o: Operands): Priced {
  const [text, separator] = [o.text(0), o.wanted(1)]
  const searching = times(exactly(2), steps(text, separator))
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

/** A text that becomes no longer. */
function changed(o: Operands): Priced {
  return costs(through(o.text(0), fullTens), textOf(upTo(o.text(0).max)))
}
