import { examples } from './function-example.js'

export const regexExamples = examples([
  [
    'string.find(string) -> string',
    'The first match of a regular expression (RE2), or an empty text.',
    "'abc 123'.find('[0-9]+')",
    "'123'",
  ],
  ['string.findAll(string) -> list(string)', 'All matches.', "'1 and 23'.findAll('[0-9]+')", "['1', '23']"],
  [
    'string.findAll(string, int) -> list(string)',
    'The first so many; all for a negative number.',
    "'1 and 23'.findAll('[0-9]+', 1)",
    "['1']",
  ],
  [
    'regex.replace(string, string, string) -> string',
    'Each match by a text, in which \\1 is a group.',
    "regex.replace('a=1', '(\\\\w)=(\\\\w)', '\\\\2=\\\\1')",
    "'1=a'",
  ],
  [
    'regex.replace(string, string, string, int) -> string',
    'The first so many; all for a negative number.',
    "regex.replace('aaa', 'a', 'b', 2)",
    "'bba'",
  ],
  [
    'regex.extract(string, string) -> optional_type(string)',
    'The group of the first match, or the match.',
    "regex.extract('id=42', 'id=([0-9]+)').value()",
    "'42'",
  ],
  [
    'regex.extractAll(string, string) -> list(string)',
    'The group of each match, or the matches.',
    "regex.extractAll('a1 b2', '[a-z]([0-9])')",
    "['1', '2']",
  ],
])
