import { Opaque } from '../values/value.js'

/** `net.IP`: an address, never with a zone (those are refused before one is made). */
export class IpAddress extends Opaque {
  readonly type = 'net.IP'
  readonly family: 4 | 6
  readonly value: bigint

  constructor(family: 4 | 6, value: bigint) {
    super()
    this.family = family
    this.value = value
  }

  override equals(other: Opaque): boolean {
    return other instanceof IpAddress && this.family === other.family && this.value === other.value
  }

  get bits(): 32 | 128 {
    return this.family === 4 ? 32 : 128
  }

  /** The one spelling of the address (RFC 5952, but IPv4-mapped ones do not occur). */
  override toString(): string {
    return this.family === 4 ? formatIpv4(this.value) : formatIpv6(this.value)
  }
}

/** `::ffff:0:0/96`. */
export const isIpv4Mapped = (address: IpAddress): boolean => address.family === 6 && address.value >> 32n === 0xffffn

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 0xffn).join('.')
}

function formatIpv6(value: bigint): string {
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map(shift => ((value >> shift) & 0xffffn).toString(16))
  const zeros = longestZeros(groups)
  if (zeros === undefined) return groups.join(':')
  return `${groups.slice(0, zeros.from).join(':')}::${groups.slice(zeros.to).join(':')}`
}

/** The first of the longest runs of two or more zero groups. */
function longestZeros(groups: readonly string[]): { readonly from: number; readonly to: number } | undefined {
  let longest: { readonly from: number; readonly to: number } | undefined
  for (let from = 0; from < groups.length; from++) {
    let to = from
    while (groups[to] === '0') to++
    if (to - from >= 2 && to - from > (longest === undefined ? 0 : longest.to - longest.from)) longest = { from, to }
  }
  return longest
}
