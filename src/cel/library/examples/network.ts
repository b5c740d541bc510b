import { examples } from './function-example.js'

export const networkExamples = examples([
  [
    'ip(string) -> net.IP',
    'Reads an address. Leading zeros, zones and IPv4-mapped IPv6 addresses are errors.',
    "ip('::ffff:1.2.3.4')",
    'error',
  ],
  ['isIP(string) -> bool', 'Whether a text is an address.', "isIP('127.0.0.01')", 'false'],
  [
    'ip.isCanonical(string) -> bool',
    'Whether an address is written in the one canonical way; an error if it is none.',
    "ip.isCanonical('2001:DB8::abcd')",
    'false',
  ],
  ['string(net.IP) -> string', 'The canonical text.', "string(ip('2001:DB8::0'))", "'2001:db8::'"],
  ['net.IP.family() -> int', '4 or 6.', "ip('::1').family()", '6'],
  ['net.IP.isUnspecified() -> bool', '0.0.0.0 or ::.', "ip('0.0.0.0').isUnspecified()", 'true'],
  ['net.IP.isLoopback() -> bool', '127.0.0.0/8 or ::1.', "ip('127.1.2.3').isLoopback()", 'true'],
  [
    'net.IP.isLinkLocalMulticast() -> bool',
    '224.0.0.0/24 or ff02::/16.',
    "ip('ff02::1').isLinkLocalMulticast()",
    'true',
  ],
  [
    'net.IP.isLinkLocalUnicast() -> bool',
    '169.254.0.0/16, where clouds keep their metadata, or fe80::/10.',
    "ip('169.254.169.254').isLinkLocalUnicast()",
    'true',
  ],
  [
    'net.IP.isGlobalUnicast() -> bool',
    'An address of one host that is not loopback or link-local; private ones count.',
    "ip('10.0.0.1').isGlobalUnicast()",
    'true',
  ],
  [
    'cidr(string) -> net.CIDR',
    'Reads an address with the length of its prefix.',
    "cidr('10.0.0.1/8') == cidr('10.0.0.0/8')",
    'false',
  ],
  ['isCIDR(string) -> bool', 'Whether a text is one.', "isCIDR('10.0.0.0/33')", 'false'],
  ['string(net.CIDR) -> string', 'The canonical text.', "string(cidr('2001:DB8::/32'))", "'2001:db8::/32'"],
  [
    'net.CIDR.containsIP(net.IP) -> bool',
    'Whether an address is in the network; of the other family it never is.',
    "cidr('10.0.0.0/8').containsIP(ip('10.1.2.3'))",
    'true',
  ],
  [
    'net.CIDR.containsIP(string) -> bool',
    'The same for a text; an error if it is no address.',
    "cidr('10.0.0.0/8').containsIP('10.1')",
    'error',
  ],
  [
    'net.CIDR.containsCIDR(net.CIDR) -> bool',
    'Whether all of a network is in the network.',
    "cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/7'))",
    'false',
  ],
  [
    'net.CIDR.containsCIDR(string) -> bool',
    'The same for a text; an error if it is no network.',
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
    'true',
  ],
  [
    'net.CIDR.ip() -> net.IP',
    'The address, with the bits behind the prefix.',
    "string(cidr('10.0.0.1/8').ip())",
    "'10.0.0.1'",
  ],
  ['net.CIDR.masked() -> net.CIDR', 'Without them.', "string(cidr('10.0.0.1/8').masked())", "'10.0.0.0/8'"],
  ['net.CIDR.prefixLength() -> int', 'The length of the prefix.', "cidr('10.0.0.0/8').prefixLength()", '8'],
])
