import { IpAddress } from './ip-address.js'

export type ParsedAddress =
  | { readonly ok: true; readonly address: IpAddress; readonly zone: string }
  /** `problem` in the words of Go's netip, and the rest of the text where it stands. */
  | { readonly ok: false; readonly problem: string; readonly at?: string }

/**
 * Reads an IP address as Go's `netip.ParseAddr`: four decimal octets without leading zeros, or IPv6 in any spelling, with an
 * IPv4 tail and a `%zone`. Other notations of an address (octal, hexadecimal, fewer octets, brackets) do not parse.
 */
export function parseIpAddress(text: string): ParsedAddress {
  for (const char of text) {
    if (char === '.') {
      const fields = parseOctets(text)
      return fields.ok ? { ok: true, address: new IpAddress(4, fields.value), zone: '' } : fields
    }
    if (char === ':') return parseIpv6(text)
    if (char === '%') return { ok: false, problem: 'missing IPv6 address' }
  }
  return { ok: false, problem: 'unable to parse IP' }
}

type ParsedOctets = { readonly ok: true; readonly value: bigint } | Extract<ParsedAddress, { ok: false }>

function parseOctets(text: string): ParsedOctets {
  let address = 0n
  let octet = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char >= '0' && char <= '9') {
      if (digits === 1 && octet === 0) return { ok: false, problem: 'IPv4 field has octet with leading zero' }
      octet = octet * 10 + Number(char)
      digits++
      if (octet > 255) return { ok: false, problem: 'IPv4 field has value >255' }
    } else if (char === '.') {
      if (digits === 0 || i === text.length - 1) {
        return { ok: false, problem: 'IPv4 field must have at least one digit', at: text.slice(i) }
      }
      if (dots === 3) return { ok: false, problem: 'IPv4 address too long' }
      address = (address << 8n) | BigInt(octet)
      dots++
      octet = 0
      digits = 0
    } else {
      return { ok: false, problem: 'unexpected character', at: text.slice(i) }
    }
  }
  if (dots < 3) return { ok: false, problem: 'IPv4 address too short' }
  return { ok: true, value: (address << 8n) | BigInt(octet) }
}

const hexDigit = /^[0-9a-fA-F]$/

function parseIpv6(text: string): ParsedAddress {
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && zone === '') return { ok: false, problem: 'zone must be a non-empty string' }
  let rest = percent < 0 ? text : text.slice(0, percent)
  const groups: bigint[] = []
  let gap: number | undefined
  if (rest.startsWith('::')) {
    gap = 0
    rest = rest.slice(2)
  }
  // At most eight rounds: each adds a group or ends the address.
  while (groups.length < 8 && !(gap === 0 && groups.length === 0 && rest === '')) {
    const at = rest
    let end = 0
    while (end < rest.length && hexDigit.test(rest.charAt(end))) {
      if (end > 3) return { ok: false, problem: 'each group must have 4 or less digits', at }
      end++
    }
    if (end === 0) return { ok: false, problem: 'each colon-separated field must have at least one digit', at }
    if (rest[end] === '.') {
      if (gap === undefined && groups.length !== 6) {
        return { ok: false, problem: 'embedded IPv4 address must replace the final 2 fields of the address', at }
      }
      if (groups.length > 6) {
        return { ok: false, problem: 'too many hex fields to fit an embedded IPv4 at the end of the address', at }
      }
      const octets = parseOctets(rest)
      if (!octets.ok) return octets
      groups.push(octets.value >> 16n, octets.value & 0xffffn)
      rest = ''
      break
    }
    groups.push(BigInt(`0x${rest.slice(0, end)}`))
    rest = rest.slice(end)
    if (rest === '') break
    if (rest[0] !== ':') return { ok: false, problem: 'unexpected character, want colon', at: rest }
    if (rest.length === 1) return { ok: false, problem: 'colon must be followed by more characters', at: rest }
    rest = rest.slice(1)
    if (rest[0] !== ':') continue
    if (gap !== undefined) return { ok: false, problem: 'multiple :: in address', at: rest }
    gap = groups.length
    rest = rest.slice(1)
    if (rest === '') break
  }
  if (rest !== '') return { ok: false, problem: 'trailing garbage after address', at: rest }
  if (groups.length < 8 && gap === undefined) return { ok: false, problem: 'address string too short' }
  if (groups.length === 8 && gap !== undefined) {
    return { ok: false, problem: 'the :: must expand to at least one field of zeros' }
  }
  if (gap !== undefined) groups.splice(gap, 0, ...Array.from({ length: 8 - groups.length }, () => 0n))
  const value = groups.reduce((sum, group) => (sum << 16n) | group, 0n)
  return { ok: true, address: new IpAddress(6, value), zone }
}
