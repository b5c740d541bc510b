import { examples } from './function-example.js'

export const listsExamples = examples([
  [
    'list(<T>).distinct() -> list(<T>)',
    'Without repetitions; the first of equal ones stays.',
    '[1, 2, 1].distinct()',
    '[1, 2]',
  ],
  [
    'list(list(<T>)).flatten() -> list(<T>)',
    'The elements of the lists in a list.',
    '[[1], [2, 3]].flatten()',
    '[1, 2, 3]',
  ],
  [
    'list(dyn).flatten(int) -> list(dyn)',
    'The same, so many levels deep.',
    '[[[1], [2]], [[3]]].flatten(2)',
    '[1, 2, 3]',
  ],
  ['lists.range(int) -> list(int)', 'Integers from 0 on, so many.', 'lists.range(3)', '[0, 1, 2]'],
  ['list(<T>).reverse() -> list(<T>)', 'From last to first.', '[1, 2, 3].reverse()', '[3, 2, 1]'],
  [
    'list(<T>).slice(int, int) -> list(<T>)',
    'From a position up to, not including, another.',
    '[1, 2, 3, 4].slice(1, 3)',
    '[2, 3]',
  ],
  [
    'list(int).sort() -> list(int)',
    'In ascending order: numbers, bools, texts, bytes or times, all of one type.',
    '[3, 1, 2].sort()',
    '[1, 2, 3]',
  ],
  [
    'list(<T>).@sortByAssociatedKeys(list(int)) -> list(<T>)',
    'What list.sortBy(x, key) calls: in the order of the keys.',
    "['a', 'bb'].sortBy(x, -size(x))",
    "['bb', 'a']",
  ],
  ['list(int).isSorted() -> bool', 'Whether no element is greater than the next.', '[1, 2, 2].isSorted()', 'true'],
  ['list(int).sum() -> int', 'The sum of numbers or durations; 0 for an empty list.', '[1, 2, 3].sum()', '6'],
  ['list(int).min() -> int', 'The least element; an error for an empty list.', '[2, 1, 3].min()', '1'],
  ['list(int).max() -> int', 'The greatest element; an error for an empty list.', '[2, 1, 3].max()', '3'],
  ['list(<A>).indexOf(<A>) -> int', 'Where an element first is, or -1.', "['a', 'b', 'a'].indexOf('a')", '0'],
  ['list(<A>).lastIndexOf(<A>) -> int', 'Where an element last is, or -1.', "['a', 'b', 'a'].lastIndexOf('a')", '2'],
  [
    'list(<A>).includes(<A>) -> bool',
    'Whether an element is in the list (from Kubernetes 1.37).',
    "['a', 'b'].includes('b')",
    'true',
  ],
  [
    'sets.contains(list(<T>), list(<T>)) -> bool',
    'Whether all elements of the second list are in the first.',
    'sets.contains([1, 2, 3], [3, 1])',
    'true',
  ],
  [
    'sets.equivalent(list(<T>), list(<T>)) -> bool',
    'Whether each list contains the other.',
    'sets.equivalent([1, 1, 2], [2, 1])',
    'true',
  ],
  [
    'sets.intersects(list(<T>), list(<T>)) -> bool',
    'Whether an element is in both lists.',
    'sets.intersects([1, 2], [3])',
    'false',
  ],
])
