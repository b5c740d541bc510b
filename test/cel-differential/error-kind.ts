/** Kinds of errors, as test/cel-go/random.go sorts the messages of cel-go. The first that fits counts. */
const kinds: readonly (readonly [kind: string, message: RegExp])[] = [
  // cel-go says so of a text that is no address, too.
  ['no such overload', /containsIP\(\)/],
  // Texts of numbers that are too large do not convert.
  ['conversion', /not UTF-8/],
  // What has no members, indexes or keys does not have this one.
  ['no such key', /has no fields|no such overload: _\[\??_\]/],
  ['no such key', /no such key|no such attribute|no such field/],
  ['index out of bounds', /index out of (bounds|range)/],
  ['division by zero', /division by zero|modulus by zero/],
  ['overflow', /overflow|out of range|range of/],
  ['no such overload', /no such overload|unsupported key type/],
  ['duplicate key', /a key (stands|comes)/],
  ['no value', /optional\.none\(\) dereference/],
  ['conversion', /^(int|uint|double|bool|string|bytes|timestamp|duration)\(\)?/],
]

export function kindOf(message: string): string {
  return kinds.find(([, pattern]) => pattern.test(message))?.[0] ?? 'invalid argument'
}

/** Whether a message of ours says what cel-go says. Of a number that is too large for `int()` it says one or the other. */
export function saysSame(message: string, kind: string): boolean {
  return kindOf(message) === kind || (kind === 'conversion' && /^u?int\(\): .*overflow/.test(message))
}
