import { examples } from './function-example.js'

const timestamp = 'google.protobuf.Timestamp'
const duration = 'google.protobuf.Duration'

/** `noon.getHours('UTC')` and its like, on 2 January 2026 in Berlin. */
const zoned = (name: string, says: string, result: string) =>
  [
    `${timestamp}.${name}(string) -> int`,
    says,
    `timestamp('2026-01-02T11:30:15.250Z').${name}('Europe/Berlin')`,
    result,
  ] as const

export const textsExamples = examples([
  ['size(string) -> int', 'How many characters (code points), bytes, elements or keys.', "size('tacó')", '4'],
  ['string.size() -> int', 'The same.', '[1, 2, 3].size()', '3'],
  [
    'string.contains(string) -> bool',
    'Whether a text is in another. Not for lists: write `x in list`.',
    "'hello'.contains('ell')",
    'true',
  ],
  ['string.startsWith(string) -> bool', 'Whether a text begins with another.', "'hello'.startsWith('he')", 'true'],
  ['string.endsWith(string) -> bool', 'Whether a text ends with another.', "'hello'.endsWith('he')", 'false'],
  [
    'string.matches(string) -> bool',
    'Whether a regular expression (RE2) matches somewhere; ^ and $ stand for the ends.',
    "'pod-12'.matches('^[a-z]+-[0-9]+$')",
    'true',
  ],
  ['matches(string, string) -> bool', 'The same.', "matches('pod-12', '[a-z]$')", 'false'],
])

export const conversionsExamples = examples([
  ['int(int) -> int', 'The same value.', 'int(3)', '3'],
  ['int(uint) -> int', 'An int; an error if it does not fit.', 'int(3u)', '3'],
  ['int(double) -> int', 'Towards zero; an error if it does not fit.', 'int(-2.9)', '-2'],
  ['int(string) -> int', 'Decimal digits; an error for anything else.', "int('0x10')", 'error'],
  [`int(${timestamp}) -> int`, 'Seconds since 1970.', "int(timestamp('1970-01-01T00:01:00Z'))", '60'],
  [`int(${duration}) -> int`, 'Nanoseconds.', "int(duration('1ms'))", '1000000'],
  ['uint(int) -> uint', 'A uint; an error for what is negative or does not fit.', 'uint(3)', '3u'],
  ['uint(string) -> uint', 'Decimal digits; an error for anything else.', "uint('-1')", 'error'],
  ['double(int) -> double', 'The nearest double.', 'double(3)', '3.0'],
  ['double(string) -> double', 'A decimal number, `NaN` or `Infinity`.', "double('1.5e3')", '1500.0'],
  ['bool(string) -> bool', 'Of 1, t, T, true, True, TRUE and the like for false.', "bool('true')", 'true'],
  ['bool(bool) -> bool', 'The same value.', 'bool(false)', 'false'],
  ['bytes(string) -> bytes', 'The UTF-8 of a text.', "bytes('é')", "b'\\xc3\\xa9'"],
  ['string(int) -> string', 'A text.', "string(3) + '/' + string(2.5) + '/' + string(true)", "'3/2.5/true'"],
  ['string(bytes) -> string', 'Of UTF-8; an error for anything else.', "string(b'\\xff')", 'error'],
  [
    `string(${timestamp}) -> string`,
    'As RFC 3339 writes it.',
    "string(timestamp('2026-01-02T12:00:00+01:00'))",
    "'2026-01-02T11:00:00Z'",
  ],
  [`string(${duration}) -> string`, 'In seconds.', "string(duration('1m30s'))", "'90s'"],
  [
    `timestamp(string) -> ${timestamp}`,
    'A point in time, of RFC 3339; years 1 to 9999.',
    "timestamp('2026-01-02T12:00:00+01:00') == timestamp('2026-01-02T11:00:00Z')",
    'true',
  ],
  [
    `timestamp(int) -> ${timestamp}`,
    'So many seconds after 1970 began.',
    'timestamp(60)',
    "timestamp('1970-01-01T00:01:00Z')",
  ],
  [
    `duration(string) -> ${duration}`,
    'Of numbers with units: h, m, s, ms, us, ns.',
    "duration('1h30m') > duration('80m')",
    'true',
  ],
  ['type(<A>) -> type(<A>)', 'The type of a value, to compare with.', 'type(1.0) == double', 'true'],
  ['dyn(<A>) -> dyn', 'The same value, whose type the checker forgets.', "[dyn(1), dyn('a')].size()", '2'],
])

export const timesExamples = examples([
  zoned('getFullYear', 'The year.', '2026'),
  zoned('getMonth', 'The month, from 0.', '0'),
  zoned('getDate', 'The day of the month, from 1.', '2'),
  zoned('getDayOfMonth', 'The day of the month, from 0.', '1'),
  zoned('getDayOfWeek', 'The day of the week; Sunday is 0.', '5'),
  zoned('getDayOfYear', 'The day of the year, from 0.', '1'),
  zoned('getHours', 'The hour on the clock of the zone.', '12'),
  zoned('getMinutes', 'The minute.', '30'),
  zoned('getSeconds', 'The second.', '15'),
  zoned('getMilliseconds', 'The milliseconds within the second.', '250'),
  [`${duration}.getHours() -> int`, 'All of a duration in hours.', "duration('90m').getHours()", '1'],
  [`${duration}.getMinutes() -> int`, 'All of a duration in minutes.', "duration('90m').getMinutes()", '90'],
  [`${duration}.getSeconds() -> int`, 'All of a duration in seconds.', "duration('1m').getSeconds()", '60'],
  [
    `${duration}.getMilliseconds() -> int`,
    'All of a duration in milliseconds.',
    "duration('1.5s').getMilliseconds()",
    '1500',
  ],
])
