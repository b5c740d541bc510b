import { examples } from './function-example.js'

export const optionalsExamples = examples([
  ['optional.of(<V>) -> optional_type(<V>)', 'A value that is there.', 'optional.of(1).value()', '1'],
  ['optional.none() -> optional_type(<V>)', 'No value.', 'optional.none().hasValue()', 'false'],
  [
    'optional.ofNonZeroValue(<V>) -> optional_type(<V>)',
    'A value, or none for null, false, 0, and what is empty.',
    "optional.ofNonZeroValue('').hasValue()",
    'false',
  ],
  ['optional_type(<V>).value() -> <V>', 'The value; an error if there is none.', 'optional.none().value()', 'error'],
  ['optional_type(<V>).hasValue() -> bool', 'Whether there is a value.', 'optional.of(null).hasValue()', 'true'],
  [
    'optional_type(<V>).or(optional_type(<V>)) -> optional_type(<V>)',
    'The first that has a value.',
    'optional.none().or(optional.of(2)).value()',
    '2',
  ],
  [
    'optional_type(<V>).orValue(<V>) -> <V>',
    'The value, or another if there is none.',
    'optional.none().orValue(3)',
    '3',
  ],
  ['list(<V>).first() -> optional_type(<V>)', 'The first element, if any.', '[1, 2].first()', 'optional.of(1)'],
  ['list(<V>).last() -> optional_type(<V>)', 'The last element, if any.', '[].last()', 'optional.none()'],
  [
    'optional.unwrap(list(optional_type(<V>))) -> list(<V>)',
    'The values that are there.',
    'optional.unwrap([optional.of(1), optional.none()])',
    '[1]',
  ],
  [
    'list(optional_type(<V>)).unwrapOpt() -> list(<V>)',
    'The values that are there.',
    '[optional.none(), optional.of(2)].unwrapOpt()',
    '[2]',
  ],
])
