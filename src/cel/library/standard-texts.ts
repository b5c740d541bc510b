import { codePointLength } from '../values/code-points.js'
import { Failure } from '../values/value.js'
import { binary, isBytes, isList, isMap, isText, outOfBudget, textUnits, unary } from './implement.js'
import type { CallContext, FunctionOverload, Implementation } from './library.js'
import { openPattern } from './pattern-matches.js'

/** Looking for a text in another: tenths of one times tenths of the other (cel-go, runtime cost of `contains`). */
function containsText(text: string, part: string, context: CallContext): boolean | Failure {
  const units = Math.ceil(text.length / 10) * Math.ceil(part.length / 10)
  return context.charge(Math.max(units - 1, 0)) ? text.includes(part) : outOfBudget
}

const matches: Implementation = binary(isText, isText, (text, source, context) => {
  const pattern = openPattern(text, source, context)
  return pattern instanceof Failure ? pattern : pattern.pattern.test(text)
})

/** Counting code points is quick: a unit for 64. */
const textSize: Implementation = unary(isText, (text, context) =>
  context.charge(text.length >> 6) ? BigInt(codePointLength(text)) : outOfBudget,
)
const bytesSize: Implementation = unary(isBytes, bytes => BigInt(bytes.length))
const listSize: Implementation = unary(isList, list => BigInt(list.length))
const mapSize: Implementation = unary(isMap, map => BigInt(map.size))

/** What texts and collections can do (cel-spec langdef.md "List of Standard Definitions"). */
export const standardTexts: readonly FunctionOverload[] = [
  { id: 'size_string', signature: 'size(string) -> int', call: textSize },
  { id: 'size_bytes', signature: 'size(bytes) -> int', call: bytesSize },
  { id: 'size_list', signature: 'size(list(<A>)) -> int', call: listSize },
  { id: 'size_map', signature: 'size(map(<A>, <B>)) -> int', call: mapSize },
  { id: 'string_size', signature: 'string.size() -> int', call: textSize },
  { id: 'bytes_size', signature: 'bytes.size() -> int', call: bytesSize },
  { id: 'list_size', signature: 'list(<A>).size() -> int', call: listSize },
  { id: 'map_size', signature: 'map(<A>, <B>).size() -> int', call: mapSize },
  {
    id: 'contains_string',
    signature: 'string.contains(string) -> bool',
    call: binary(isText, isText, containsText),
  },
  {
    id: 'starts_with_string',
    signature: 'string.startsWith(string) -> bool',
    call: binary(isText, isText, (text, part, context) =>
      context.charge(textUnits(Math.min(text.length, part.length))) ? text.startsWith(part) : outOfBudget,
    ),
  },
  {
    id: 'ends_with_string',
    signature: 'string.endsWith(string) -> bool',
    call: binary(isText, isText, (text, part, context) =>
      context.charge(textUnits(Math.min(text.length, part.length))) ? text.endsWith(part) : outOfBudget,
    ),
  },
  { id: 'matches', signature: 'matches(string, string) -> bool', call: matches },
  { id: 'matches_string', signature: 'string.matches(string) -> bool', call: matches },
]
