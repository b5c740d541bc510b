/** An error that the suite expects, in its words, and what ours says then. */
interface ErrorKind {
  readonly ours: RegExp
  /** Where the two speak of the kind differently. */
  readonly why?: string
}

const noOverload: ErrorKind = { ours: /^no such overload: / }
const division: ErrorKind = { ours: /^division by zero$/ }
const range: ErrorKind = {
  ours: /\binteger overflow$|\b(?:timestamp|duration) out of range(?:: years are 1 to 9999)?$/,
  why: 'a number beyond its type overflows, a time is out of range',
}
const noKey: ErrorKind = { ours: /^no such key(?:: \w+)?$/ }
const noFields: ErrorKind = { ours: /^no such overload: \w+ has no fields, so \.\w+ cannot be read$/ }
const index: ErrorKind = { ours: /\(\): index out of range$/ }
const noFormat = (clause: string): ErrorKind => ({
  ours: new RegExp(`^format\\(\\): %${clause} in a format needs an? `),
})
const given = 'error during formatting:'

/** By the text of the suite. Its texts are loose (cel-spec compares none of them), so that several mean one kind. */
const kinds: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ["undeclared reference to 'x' (in container '')", { ours: /^no such attribute: x has no value$/ }],
  ['unknown variable', { ours: /^no such attribute: dyn has no value$/ }],
  ['unbound function', { ours: /^no such overload: f_unknown\(int\)$/ }],
  ['no such overload', noOverload],
  ['no_such_overload', noOverload],
  ['no matching overload', noOverload],
  ["found no matching overload for '_%_' applied to '(double, double)'", noOverload],
  ['range error', range],
  ['range', range],
  ['return error for overflow', range],
  ['overflow', range],
  ['divide by zero', division],
  ['division by zero', division],
  ['modulus by zero', { ours: /^modulus by zero$/ }],
  ['invalid UTF-8', { ours: /^string\(\): invalid UTF-8$/ }],
  ['Type conversion error', { ours: /^bool\(\): not a bool/ }],
  ['no such key', noKey],
  ["no such key: 'name'", { ours: /^no such key: name$/ }],
  ["type 'list_type:<elem_type:<primitive:STRING > > ' does not support field selection", noFields],
  ["type 'int64_type' does not support field selection", noFields],
  ['unsupported key type', { ours: /^unsupported key type: / }],
  ['Failed with repeated key', { ours: /^a key stands in the map twice$/ }],
  ['invalid_argument', { ours: /^index out of bounds$|^no such overload: lists are indexed by whole numbers$/ }],
  ['negative offset', { ours: /\(\): a shift in math needs 0 bits or more$/ }],
  [
    'could not parse formatting clause: unrecognized formatting clause "a"',
    { ours: /^format\(\): a format knows only / },
  ],
  [
    'could not parse formatting clause: unrecognized formatting clause "E"',
    { ours: /^format\(\): a format knows only / },
  ],
  ['index 2 out of range', { ours: /^format\(\): a format has more % clauses than arguments$/ }],
  [`${given} only integers and bools can be formatted as binary, was given string`, noFormat('b')],
  [`${given} only integers and bools can be formatted as binary, was given null_type`, noFormat('b')],
  [`${given} decimal clause can only be used on integers, was given google.protobuf.Duration`, noFormat('d')],
  [`${given} decimal clause can only be used on integers, was given null_type`, noFormat('d')],
  [`${given} octal clause can only be used on integers, was given string`, noFormat('o')],
  [`${given} octal clause can only be used on integers, was given null_type`, noFormat('o')],
  [`${given} only integers, byte buffers, and strings can be formatted as hex, was given double`, noFormat('x')],
  [`${given} only integers, byte buffers, and strings can be formatted as hex, was given null_type`, noFormat('[xX]')],
  [`${given} scientific clause can only be used on doubles, was given null_type`, noFormat('e')],
  [`${given} fixed-point clause can only be used on doubles, was given null_type`, noFormat('f')],
  ...['30', '-1', '40', '50', '49'].map(at => [`index out of range: ${at}`, index] as const),
  ['invalid substring range. start: 4, end: 3', { ours: /^substring\(\): invalid substring range: / }],
])

/** Cases in which the text of the suite is of another kind than what happens, by their expression. */
const singleCases: ReadonlyMap<string, ErrorKind & { readonly why: string }> = new Map([
  ...['true && 1/0 != 0', '1/0 != 0 && true', 'false || 1/0 != 0', '1/0 != 0 || false'].map(
    expr => [expr, { ...division, why: 'both operands are bool; what fails is the division' }] as const,
  ),
  ['1 / 0', { ...division, why: 'the suite says "foo", to show that texts are not compared' }],
  [
    "timestamp('10000-01-01T00:00:00Z')",
    { ours: /^timestamp\(\): not a timestamp: use RFC 3339/, why: 'RFC 3339 has years of four digits' },
  ],
  ...["{'null_key': dyn(null)}.?null_key.invalid.hasValue()", '{true: dyn(0)}[?true].absent.hasValue()'].map(
    expr =>
      [expr, { ...noFields, why: 'null and int have no fields: elsewhere the suite calls this an overload' }] as const,
  ),
])

/** What the error of a case must say; undefined for a text that the table does not have. */
export function expectedError(expr: string, texts: readonly string[]): ErrorKind | undefined {
  const single = singleCases.get(expr)
  if (single !== undefined) return single
  const [text] = texts
  return text === undefined || texts.length > 1 ? undefined : kinds.get(text)
}

/** Texts and expressions of the table, so that a test can tell which are of no use. */
export const errorTable = { texts: [...kinds.keys()], expressions: [...singleCases.keys()] }
