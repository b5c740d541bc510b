import { examples } from './function-example.js'

export const stringsExamples = examples([
  [
    'string.charAt(int) -> string',
    'The character at a position; empty at the end, an error beyond.',
    "'hello'.charAt(4)",
    "'o'",
  ],
  ['string.indexOf(string) -> int', 'Where a text first occurs, or -1.', "'hello'.indexOf('l')", '2'],
  ['string.indexOf(string, int) -> int', 'The same, from a position on.', "'hello'.indexOf('l', 3)", '3'],
  ['string.lastIndexOf(string) -> int', 'Where a text last occurs, or -1.', "'hello'.lastIndexOf('l')", '3'],
  [
    'string.lastIndexOf(string, int) -> int',
    'The same, beginning at a position or before.',
    "'hello'.lastIndexOf('l', 2)",
    '2',
  ],
  ['list(string).join() -> string', 'The texts of a list one after another.', "['a', 'b'].join()", "'ab'"],
  ['list(string).join(string) -> string', 'The same, with a separator.', "['a', 'b'].join(', ')", "'a, b'"],
  ['string.lowerAscii() -> string', 'A to Z in lower case; nothing else changes.', "'TaCÓ'.lowerAscii()", "'tacÓ'"],
  ['string.upperAscii() -> string', 'a to z in upper case; nothing else changes.', "'tacó'.upperAscii()", "'TACó'"],
  [
    'string.replace(string, string) -> string',
    'Each occurrence of a text by another.',
    "'a-b-c'.replace('-', '.')",
    "'a.b.c'",
  ],
  [
    'string.replace(string, string, int) -> string',
    'The first so many; all for a negative number.',
    "'a-b-c'.replace('-', '.', 1)",
    "'a.b-c'",
  ],
  [
    'string.split(string) -> list(string)',
    'The parts between separators; characters for an empty separator.',
    "'a,b'.split(',')",
    "['a', 'b']",
  ],
  [
    'string.split(string, int) -> list(string)',
    'At most so many parts, the last with the rest; all for a negative number.',
    "'a,b,c'.split(',', 2)",
    "['a', 'b,c']",
  ],
  ['string.substring(int) -> string', 'From a position to the end.', "'tacocat'.substring(4)", "'cat'"],
  [
    'string.substring(int, int) -> string',
    'From a position up to, not including, another.',
    "'tacocat'.substring(0, 4)",
    "'taco'",
  ],
  ['string.trim() -> string', 'Without white space at both ends.', "'  ok\\n'.trim()", "'ok'"],
  [
    'string.format(list(dyn)) -> string',
    'A text with arguments: %s any value, %d integers, %.2f %e numbers, %b %o %x %X other bases, %% a percent sign.',
    "'%s has %d (%.1f%%)'.format(['disk', 3, 12.345])",
    "'disk has 3 (12.3%)'",
  ],
  [
    'strings.quote(string) -> string',
    'As a literal in double quotes, with escapes.',
    `strings.quote('say "hi"\\n')`,
    `'"say \\\\"hi\\\\"\\\\n"'`,
  ],
  ['string.reverse() -> string', 'The characters from last to first (not in Kubernetes).', "'abc'.reverse()", "'cba'"],
])
