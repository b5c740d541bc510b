import { examples } from './function-example.js'

export const semverExamples = examples([
  [
    'semver(string) -> kubernetes.Semver',
    'Reads a version as Semantic Versioning 2.0 writes it.',
    "semver('v1.2')",
    'error',
  ],
  [
    'semver(string, bool) -> kubernetes.Semver',
    'With true, a leading v, missing parts and leading zeros are put right.',
    "semver('v01.2', true) == semver('1.2.0')",
    'true',
  ],
  ['isSemver(string) -> bool', 'Whether a text is a version.', "isSemver('1.0.0-rc.1+build')", 'true'],
  ['isSemver(string, bool) -> bool', 'The same; with true as above.', "isSemver('1.0', true)", 'true'],
  ['kubernetes.Semver.major() -> int', 'The first number.', "semver('1.2.3').major()", '1'],
  ['kubernetes.Semver.minor() -> int', 'The second number.', "semver('1.2.3').minor()", '2'],
  ['kubernetes.Semver.patch() -> int', 'The third number.', "semver('1.2.3').patch()", '3'],
  [
    'kubernetes.Semver.compareTo(kubernetes.Semver) -> int',
    '-1, 0 or 1; a pre-release is before its release, and builds are equal.',
    "semver('1.2.3-rc.1').compareTo(semver('1.2.3'))",
    '-1',
  ],
  [
    'kubernetes.Semver.isLessThan(kubernetes.Semver) -> bool',
    'Whether it is the older one.',
    "semver('1.2.3').isLessThan(semver('1.10.0'))",
    'true',
  ],
  [
    'kubernetes.Semver.isGreaterThan(kubernetes.Semver) -> bool',
    'Whether it is the newer one.',
    "semver('1.2.3').isGreaterThan(semver('1.2.3+build'))",
    'false',
  ],
])
