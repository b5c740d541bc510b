import { Failure } from '../values/value.js'
import { isBool, isText } from './implement.js'
import type { Library } from './library.js'
import { isOf, priced1, priced2, traversal } from './priced.js'
import { parseSemver, parseTolerantSemver, Semver } from './semver-value.js'

const isSemver = isOf(Semver)
const tooLarge = new Failure('the number of the version is beyond the range of int')

const read = (text: string, tolerant: boolean): Semver | Failure =>
  tolerant ? parseTolerantSemver(text) : parseSemver(text)

/** Kubernetes wraps numbers beyond int64 around, so that a huge version looks negative; an error says so instead. */
const toInt = (value: bigint): bigint | Failure => (value < 2n ** 63n ? value : tooLarge)

/** `kubernetes.Semver` (Kubernetes 1.33). */
export const semverLibrary: Library = {
  name: 'kubernetes.Semver',
  types: ['kubernetes.Semver'],
  functions: [
    {
      id: 'string_to_semver',
      signature: 'semver(string) -> kubernetes.Semver',
      call: priced1(isText, parseSemver, traversal),
    },
    {
      id: 'string_bool_to_semver',
      signature: 'semver(string, bool) -> kubernetes.Semver',
      call: priced2(isText, isBool, read, traversal),
    },
    {
      id: 'is_semver_string',
      signature: 'isSemver(string) -> bool',
      call: priced1(isText, text => parseSemver(text) instanceof Semver, traversal),
    },
    {
      id: 'is_semver_string_bool',
      signature: 'isSemver(string, bool) -> bool',
      call: priced2(isText, isBool, (text, tolerant) => read(text, tolerant) instanceof Semver, traversal),
    },
    {
      id: 'semver_major',
      signature: 'kubernetes.Semver.major() -> int',
      call: priced1(isSemver, version => toInt(version.major)),
    },
    {
      id: 'semver_minor',
      signature: 'kubernetes.Semver.minor() -> int',
      call: priced1(isSemver, version => toInt(version.minor)),
    },
    {
      id: 'semver_patch',
      signature: 'kubernetes.Semver.patch() -> int',
      call: priced1(isSemver, version => toInt(version.patch)),
    },
    {
      id: 'semver_is_greater_than',
      signature: 'kubernetes.Semver.isGreaterThan(kubernetes.Semver) -> bool',
      call: priced2(isSemver, isSemver, (a, b) => a.compare(b) > 0, comparison),
    },
    {
      id: 'semver_is_less_than',
      signature: 'kubernetes.Semver.isLessThan(kubernetes.Semver) -> bool',
      call: priced2(isSemver, isSemver, (a, b) => a.compare(b) < 0, comparison),
    },
    {
      id: 'semver_compare_to',
      signature: 'kubernetes.Semver.compareTo(kubernetes.Semver) -> int',
      call: priced2(isSemver, isSemver, (a, b) => BigInt(a.compare(b)), comparison),
    },
  ],
}

/** Kubernetes takes one unit, whatever the length of the pre-releases; each ten of their characters are one more here. */
function comparison(a: Semver, b: Semver): number {
  return 1 + Math.floor(Math.min(a.length, b.length) / 10)
}
