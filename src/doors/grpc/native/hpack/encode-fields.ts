import { staticTable } from './static-table.js'

const staticNames = new Map(staticTable.map(({ name }, index) => [name, index] as const).reverse())

/**
 * A header block of fields that are in the static table, or are written out and not to be remembered (RFC 7541 §6.2.2). That uses no
 * state of the connection: blocks can be made once and sent to everybody.
 */
export function encodeFields(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    const whole = staticTable.findIndex(entry => entry.name === name && entry.value === value && value !== '')
    if (whole > 0) {
      parts.push(encodeInteger(whole, 7, 0x80))
      continue
    }
    const index = staticNames.get(name) ?? 0
    parts.push(encodeInteger(index, 4, 0))
    if (index === 0) parts.push(encodeString(name))
    parts.push(encodeString(value))
  }
  return Buffer.concat(parts)
}

function encodeString(text: string): Buffer {
  return Buffer.concat([encodeInteger(text.length, 7, 0), Buffer.from(text, 'latin1')])
}

/** RFC 7541 §5.1. */
export function encodeInteger(value: number, prefixBits: number, pattern: number): Buffer {
  const most = (1 << prefixBits) - 1
  if (value < most) return Buffer.of(pattern | value)
  const octets = [pattern | most]
  let rest = value - most
  while (rest >= 0x80) {
    octets.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  octets.push(rest)
  return Buffer.from(octets)
}
