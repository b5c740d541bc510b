import { Failure, Opaque } from '../values/value.js'

type Identifier = bigint | string

/** `kubernetes.Semver`: a version as in Semantic Versioning 2.0; build metadata is checked, and forgotten (§10). */
export class Semver extends Opaque {
  readonly type = 'kubernetes.Semver'
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: readonly Identifier[]
  /** Characters of the pre-release, for the cost of comparing it. */
  readonly length: number

  constructor(major: bigint, minor: bigint, patch: bigint, prerelease: readonly Identifier[]) {
    super()
    this.major = major
    this.minor = minor
    this.patch = patch
    this.prerelease = prerelease
    this.length = prerelease.reduce((sum: number, identifier) => sum + String(identifier).length, 0)
  }

  override equals(other: Opaque): boolean {
    return other instanceof Semver && this.compare(other) === 0
  }

  /** Precedence, §11. */
  compare(other: Semver): -1 | 0 | 1 {
    if (this.major !== other.major) return this.major < other.major ? -1 : 1
    if (this.minor !== other.minor) return this.minor < other.minor ? -1 : 1
    if (this.patch !== other.patch) return this.patch < other.patch ? -1 : 1
    const [a, b] = [this.prerelease, other.prerelease]
    if (a.length === 0 || b.length === 0) return a.length === b.length ? 0 : a.length === 0 ? 1 : -1
    for (let i = 0; i < a.length && i < b.length; i++) {
      const [x, y] = [a[i] ?? '', b[i] ?? '']
      if (x === y) continue
      if (typeof x !== typeof y) return typeof x === 'bigint' ? -1 : 1
      return x < y ? -1 : 1
    }
    return a.length === b.length ? 0 : a.length < b.length ? -1 : 1
  }
}

const noVersion = new Failure('not a semantic version: write it as "1.2.3", with "-rc.1" or "+build" if need be')
const shortVersion = new Failure('not a semantic version: a short one cannot have a pre-release or build metadata')

const numeric = /^(?:0|[1-9][0-9]{0,19})$/
const alphanumeric = /^[0-9A-Za-z-]+$/
const maxUint64 = 2n ** 64n - 1n

/** Strictly, as blang/semver; numbers are 64 bits. */
export function parseSemver(text: string): Semver | Failure {
  const [majorText, minorText, rest] = splitVersion(text)
  if (minorText === undefined || rest === undefined) return noVersion
  const plus = rest.indexOf('+')
  const build = plus < 0 ? [] : rest.slice(plus + 1).split('.')
  const release = plus < 0 ? rest : rest.slice(0, plus)
  const dash = release.indexOf('-')
  const major = readNumber(majorText)
  const minor = readNumber(minorText)
  const patch = readNumber(dash < 0 ? release : release.slice(0, dash))
  if (major === undefined || minor === undefined || patch === undefined) return noVersion
  if (!build.every(identifier => alphanumeric.test(identifier))) return noVersion
  const prerelease: Identifier[] = []
  for (const text of dash < 0 ? [] : release.slice(dash + 1).split('.')) {
    const identifier = /^[0-9]+$/.test(text) ? readNumber(text) : alphanumeric.test(text) ? text : undefined
    if (identifier === undefined) return noVersion
    prerelease.push(identifier)
  }
  return new Semver(major, minor, patch, prerelease)
}

/** `v1.2`, `01.2.3`: a leading v, missing parts and leading zeros are put right first (Kubernetes 1.33). */
export function parseTolerantSemver(text: string): Semver | Failure {
  const parts = splitVersion(text.startsWith('v') ? text.slice(1) : text).map(withoutLeadingZeros)
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return shortVersion
  while (parts.length < 3) parts.push('0')
  return parseSemver(parts.join('.'))
}

/** At the first two dots. */
function splitVersion(text: string): [string, ...string[]] {
  const first = text.indexOf('.')
  if (first < 0) return [text]
  const second = text.indexOf('.', first + 1)
  if (second < 0) return [text.slice(0, first), text.slice(first + 1)]
  return [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)]
}

function withoutLeadingZeros(part: string): string {
  if (part.length <= 1) return part
  const rest = part.replace(/^0+/, '')
  return /^[0-9]/.test(rest) ? rest : `0${rest}`
}

function readNumber(text: string): bigint | undefined {
  if (!numeric.test(text)) return undefined
  const value = BigInt(text)
  return value <= maxUint64 ? value : undefined
}
