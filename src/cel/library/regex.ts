import { Failure, OptionalValue, type Result } from '../values/value.js'
import { binary, isInt, isText, outOfBudget, quaternary, ternary, textUnits } from './implement.js'
import type { CallContext, Library } from './library.js'
import { findMatches, openPattern, type PatternMatch } from './pattern-matches.js'

const manyGroups = new Failure('regex.extract() and regex.extractAll() need a pattern with one group at most')
const badReplacement = new Failure('in a replacement, a backslash is followed by a digit or a backslash')
const noSuchGroup = new Failure('the replacement names a group that the pattern does not have')
const largeCount = new Failure('integer overflow')
const tooLong = new Failure('the text would be too long')
const none = new OptionalValue(undefined)

/** UTF-16 units; the budget refuses sooner. */
const longestText = 1 << 26

function find(text: string, source: string, context: CallContext): Result {
  const pattern = openPattern(text, source, context)
  if (pattern instanceof Failure) return pattern
  const matcher = pattern.pattern.matcher(text)
  return matcher.find() ? text.slice(matcher.start(), matcher.end()) : ''
}

/** A negative limit is none. */
function findAll(text: string, source: string, limit: bigint, context: CallContext): Result {
  const pattern = openPattern(text, source, context)
  if (pattern instanceof Failure) return pattern
  const matches = findMatches(text, pattern, limit < 0n ? Number.POSITIVE_INFINITY : Number(limit), false, context)
  return matches instanceof Failure ? matches : matches.map(({ groups }) => groups[0] ?? '')
}

/** The `find` and `findAll` of Kubernetes. */
export const kubernetesRegex: Library = {
  name: 'kubernetes.regex',
  functions: [
    { id: 'string_find_string', signature: 'string.find(string) -> string', call: binary(isText, isText, find) },
    {
      id: 'string_find_all_string',
      signature: 'string.findAll(string) -> list(string)',
      call: binary(isText, isText, (text, source, context) => findAll(text, source, -1n, context)),
    },
    {
      id: 'string_find_all_string_int',
      signature: 'string.findAll(string, int) -> list(string)',
      call: ternary(isText, isText, isInt, findAll),
    },
  ],
}

type ReplacementPart = string | number

/** `\1` is a group, `\\` a backslash. */
function parseReplacement(text: string): readonly ReplacementPart[] | Failure {
  const parts: ReplacementPart[] = []
  let at = 0
  for (let slash = text.indexOf('\\'); slash >= 0; slash = text.indexOf('\\', at)) {
    parts.push(text.slice(at, slash))
    const next = text[slash + 1]
    if (next === undefined || !/^[0-9\\]$/.test(next)) return badReplacement
    parts.push(next === '\\' ? '\\' : Number(next))
    at = slash + 2
  }
  parts.push(text.slice(at))
  return parts
}

/** A replacement that is wrong is a failure only where something is replaced, as in cel-go. */
function replace(text: string, source: string, by: string, count: bigint, context: CallContext): Result {
  if (count === 0n) return text
  if (count > 2n ** 31n - 1n) return largeCount
  const pattern = openPattern(text, source, context)
  if (pattern instanceof Failure) return pattern
  const matches = findMatches(text, pattern, count < 0n ? Number.POSITIVE_INFINITY : Number(count), true, context)
  if (matches instanceof Failure) return matches
  if (matches.length === 0) return text
  const parts = parseReplacement(by)
  if (parts instanceof Failure) return parts
  if (parts.some(part => typeof part === 'number' && part > pattern.pattern.groupCount())) return noSuchGroup
  return assemble(text, matches, parts, context)
}

function assemble(
  text: string,
  matches: readonly PatternMatch[],
  parts: readonly ReplacementPart[],
  context: CallContext,
): Result {
  if (!context.charge(textUnits(text.length + matches.length * parts.length))) return outOfBudget
  const output: string[] = []
  let length = text.length
  let at = 0
  for (const { start, end, groups } of matches) {
    output.push(text.slice(at, start))
    for (const part of parts) {
      const piece = typeof part === 'string' ? part : (groups[part] ?? '')
      length += piece.length
      if (!context.charge(textUnits(piece.length))) return outOfBudget
      if (length > longestText) return tooLong
      output.push(piece)
    }
    at = end
  }
  output.push(text.slice(at))
  return output.join('')
}

/** The group if there is one, else the match; a group that is empty or took no part counts as not found. */
function extracted(match: PatternMatch): string | undefined {
  return match.groups.length > 1 ? match.groups[1] || undefined : match.groups[0]
}

function extractUpTo(text: string, source: string, limit: number, context: CallContext): string[] | Failure {
  const pattern = openPattern(text, source, context)
  if (pattern instanceof Failure) return pattern
  if (pattern.pattern.groupCount() > 1) return manyGroups
  const matches = findMatches(text, pattern, limit, true, context)
  return matches instanceof Failure ? matches : matches.map(extracted).filter(found => found !== undefined)
}

function extract(text: string, source: string, context: CallContext): Result {
  const found = extractUpTo(text, source, 1, context)
  if (found instanceof Failure) return found
  return found.length === 0 ? none : new OptionalValue(found[0])
}

function extractAll(text: string, source: string, context: CallContext): Result {
  return extractUpTo(text, source, Number.POSITIVE_INFINITY, context)
}

/** The regex extension of cel-go. Not in Kubernetes. */
export const regex: Library = {
  name: 'regex',
  functions: [
    {
      id: 'regex_extract_string_string',
      signature: 'regex.extract(string, string) -> optional_type(string)',
      call: binary(isText, isText, extract),
    },
    {
      id: 'regex_extractAll_string_string',
      signature: 'regex.extractAll(string, string) -> list(string)',
      call: binary(isText, isText, extractAll),
    },
    {
      id: 'regex_replace_string_string_string',
      signature: 'regex.replace(string, string, string) -> string',
      call: ternary(isText, isText, isText, (text, source, by, context) => replace(text, source, by, -1n, context)),
    },
    {
      id: 'regex_replace_string_string_string_int',
      signature: 'regex.replace(string, string, string, int) -> string',
      call: quaternary(isText, isText, isText, isInt, replace),
    },
  ],
}
