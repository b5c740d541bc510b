import { Failure, Opaque } from '../values/value.js'
import { isText } from './implement.js'
import { readIp } from './ip.js'
import { IpAddress, isIpv4Mapped } from './ip-address.js'
import type { Library } from './library.js'
import { parseIpAddress } from './parse-ip-address.js'
import { isOf, priced1, priced2, traversal } from './priced.js'

/** `net.CIDR`: an address and how many of its leading bits name a network; bits behind them may be set. */
export class Cidr extends Opaque {
  readonly type = 'net.CIDR'
  readonly address: IpAddress
  readonly length: number

  constructor(address: IpAddress, length: number) {
    super()
    this.address = address
    this.length = length
  }

  /** The same text, not the same network: `10.0.0.1/8` is not `10.0.0.0/8`, as in Kubernetes; see `masked`. */
  override equals(other: Opaque): boolean {
    return other instanceof Cidr && this.length === other.length && this.address.equals(other.address)
  }

  containsIp(ip: IpAddress): boolean {
    const hostBits = BigInt(this.address.bits - this.length)
    return ip.family === this.address.family && ip.value >> hostBits === this.address.value >> hostBits
  }

  containsCidr(other: Cidr): boolean {
    return this.length <= other.length && this.containsIp(other.address)
  }

  masked(): Cidr {
    const hostBits = BigInt(this.address.bits - this.length)
    return new Cidr(new IpAddress(this.address.family, (this.address.value >> hostBits) << hostBits), this.length)
  }

  /** Bytes that a comparison looks at, for the cost. */
  get bytes(): number {
    return Math.ceil(this.length / 8)
  }

  override toString(): string {
    return `${this.address.toString()}/${this.length}`
  }
}

const noCidr = new Failure('not a CIDR: write an IP address, a slash, and the length of the prefix')
const mapped = new Failure('not a CIDR: an IPv4-mapped IPv6 address is not allowed, write it as IPv4')

/** As Go's `netip.ParsePrefix`, without IPv4-mapped addresses. */
export function readCidr(text: string): Cidr | Failure {
  const slash = text.lastIndexOf('/')
  if (slash < 0) return noCidr
  const parsed = parseIpAddress(text.slice(0, slash))
  const length = text.slice(slash + 1)
  if (!parsed.ok || parsed.zone !== '' || !/^(?:[0-9]|[1-9][0-9]{1,2})$/.test(length)) return noCidr
  if (Number(length) > parsed.address.bits) return noCidr
  return isIpv4Mapped(parsed.address) ? mapped : new Cidr(parsed.address, Number(length))
}

const isCidr = isOf(Cidr)
const isIp = isOf(IpAddress)

const ipCost = (cidr: Cidr): number => Math.ceil((2 * cidr.bytes) / 10)
const cidrCost = (cidr: Cidr): number => ipCost(cidr) + Math.ceil(cidr.bytes / 10) + 1

/** `kubernetes.net.cidr` (Kubernetes 1.30). */
export const cidrLibrary: Library = {
  name: 'kubernetes.net.cidr',
  types: ['net.CIDR', 'net.IP'],
  functions: [
    { id: 'string_to_cidr', signature: 'cidr(string) -> net.CIDR', call: priced1(isText, readCidr, traversal) },
    {
      id: 'is_cidr',
      signature: 'isCIDR(string) -> bool',
      call: priced1(isText, text => readCidr(text) instanceof Cidr, traversal),
    },
    { id: 'cidr_to_string', signature: 'string(net.CIDR) -> string', call: priced1(isCidr, cidr => cidr.toString()) },
    { id: 'cidr_ip', signature: 'net.CIDR.ip() -> net.IP', call: priced1(isCidr, cidr => cidr.address) },
    { id: 'cidr_masked', signature: 'net.CIDR.masked() -> net.CIDR', call: priced1(isCidr, cidr => cidr.masked()) },
    {
      id: 'cidr_prefix_length',
      signature: 'net.CIDR.prefixLength() -> int',
      call: priced1(isCidr, cidr => BigInt(cidr.length)),
    },
    {
      id: 'cidr_contains_ip_ip',
      signature: 'net.CIDR.containsIP(net.IP) -> bool',
      call: priced2(isCidr, isIp, (cidr, ip) => cidr.containsIp(ip), ipCost),
    },
    {
      id: 'cidr_contains_ip_string',
      signature: 'net.CIDR.containsIP(string) -> bool',
      call: priced2(
        isCidr,
        isText,
        (cidr, text) => {
          const ip = readIp(text)
          return ip instanceof IpAddress ? cidr.containsIp(ip) : ip
        },
        (cidr, text) => ipCost(cidr) + traversal(text),
      ),
    },
    {
      id: 'cidr_contains_cidr',
      signature: 'net.CIDR.containsCIDR(net.CIDR) -> bool',
      call: priced2(isCidr, isCidr, (cidr, other) => cidr.containsCidr(other), cidrCost),
    },
    {
      id: 'cidr_contains_cidr_string',
      signature: 'net.CIDR.containsCIDR(string) -> bool',
      call: priced2(
        isCidr,
        isText,
        (cidr, text) => {
          const other = readCidr(text)
          return other instanceof Cidr ? cidr.containsCidr(other) : other
        },
        (cidr, text) => cidrCost(cidr) + traversal(text),
      ),
    },
  ],
}
