import { Failure } from '../values/value.js'
import { isText } from './implement.js'
import { IpAddress, isIpv4Mapped } from './ip-address.js'
import type { Library } from './library.js'
import { parseIpAddress } from './parse-ip-address.js'
import { isOf, priced1, traversal } from './priced.js'

const isIp = isOf(IpAddress)

const noAddress = new Failure('not an IP address')
const zoned = new Failure('not an IP address: a zone is not allowed')
const mapped = new Failure('not an IP address: an IPv4-mapped IPv6 address is not allowed, write it as IPv4')

/** An address as policies may name it: without a zone, and not IPv4-mapped, which would be a second name of an IPv4 address. */
export function readIp(text: string): IpAddress | Failure {
  const parsed = parseIpAddress(text)
  if (!parsed.ok) return noAddress
  if (parsed.zone !== '') return zoned
  return isIpv4Mapped(parsed.address) ? mapped : parsed.address
}

/** Whether an address is in a network, written as its leading bits. */
const within = (address: IpAddress, family: 4 | 6, network: bigint, length: number): boolean =>
  address.family === family && address.value >> BigInt(address.bits - length) === network

const isUnspecified = (ip: IpAddress): boolean => ip.value === 0n
const isLoopback = (ip: IpAddress): boolean => within(ip, 4, 127n, 8) || within(ip, 6, 1n, 128)
const isMulticast = (ip: IpAddress): boolean => within(ip, 4, 0xen, 4) || within(ip, 6, 0xffn, 8)
const isLinkLocalUnicast = (ip: IpAddress): boolean => within(ip, 4, 0xa9fen, 16) || within(ip, 6, 0xfe80n >> 6n, 10)
/** `224.0.0.0/24`, and scope 2 of `ff00::/8`, whatever the flags (RFC 4291 §2.7). */
const isLinkLocalMulticast = (ip: IpAddress): boolean =>
  within(ip, 4, 0xe00000n, 24) || (isMulticast(ip) && ip.family === 6 && ((ip.value >> 112n) & 0xfn) === 2n)
/** As Go says it: private addresses count, broadcast does not. */
const isGlobalUnicast = (ip: IpAddress): boolean =>
  !isUnspecified(ip) &&
  !within(ip, 4, 0xffffffffn, 32) &&
  !isLoopback(ip) &&
  !isMulticast(ip) &&
  !isLinkLocalUnicast(ip)

/** `kubernetes.net.ip` (Kubernetes 1.30). */
export const ipLibrary: Library = {
  name: 'kubernetes.net.ip',
  types: ['net.IP'],
  functions: [
    { id: 'string_to_ip', signature: 'ip(string) -> net.IP', call: priced1(isText, readIp, traversal) },
    {
      id: 'is_ip',
      signature: 'isIP(string) -> bool',
      call: priced1(isText, text => readIp(text) instanceof IpAddress, traversal),
    },
    {
      id: 'ip_is_canonical',
      signature: 'ip.isCanonical(string) -> bool',
      call: priced1(
        isText,
        text => {
          const ip = readIp(text)
          return ip instanceof IpAddress ? ip.toString() === text : ip
        },
        text => 2 * traversal(text),
      ),
    },
    { id: 'ip_to_string', signature: 'string(net.IP) -> string', call: priced1(isIp, ip => ip.toString()) },
    { id: 'ip_family', signature: 'net.IP.family() -> int', call: priced1(isIp, ip => BigInt(ip.family)) },
    { id: 'ip_is_unspecified', signature: 'net.IP.isUnspecified() -> bool', call: priced1(isIp, isUnspecified) },
    { id: 'ip_is_loopback', signature: 'net.IP.isLoopback() -> bool', call: priced1(isIp, isLoopback) },
    {
      id: 'ip_is_link_local_multicast',
      signature: 'net.IP.isLinkLocalMulticast() -> bool',
      call: priced1(isIp, isLinkLocalMulticast),
    },
    {
      id: 'ip_is_link_local_unicast',
      signature: 'net.IP.isLinkLocalUnicast() -> bool',
      call: priced1(isIp, isLinkLocalUnicast),
    },
    { id: 'ip_is_global_unicast', signature: 'net.IP.isGlobalUnicast() -> bool', call: priced1(isIp, isGlobalUnicast) },
  ],
}
