import { encodeInteger } from '../../../src/doors/grpc/native/hpack/encode-fields.js'
import { huffmanCodes } from '../../../src/doors/grpc/native/hpack/huffman-lengths.js'
import { staticTable } from '../../../src/doors/grpc/native/hpack/static-table.js'
import type { Random } from '../../fuzz/random.js'

export type Field = readonly [name: string, value: string]

const mostTableBytes = 4096
const codes = new Map(huffmanCodes().map(code => [code.symbol, code]))

/** RFC 7541 §5.2: the code of each octet, and ones to the end of the last octet. */
export function encodeHuffman(text: string): Buffer {
  const octets: number[] = []
  let bits = 0
  let held = 0
  for (const octet of Buffer.from(text, 'latin1')) {
    const code = codes.get(octet)
    if (code === undefined) throw new Error('an octet without a code')
    bits = bits * 2 ** code.bits + code.code
    held += code.bits
    while (held >= 8) {
      const rest = 2 ** (held - 8)
      octets.push(Math.floor(bits / rest))
      bits %= rest
      held -= 8
    }
  }
  if (held > 0) octets.push(bits * 2 ** (8 - held) + (2 ** (8 - held) - 1))
  return Buffer.from(octets)
}

/**
 * Writes header blocks in any way that RFC 7541 allows: every representation, with the table that belongs to a connection, sizes of it
 * that change, names by index or in full, with Huffman or without.
 */
export class RandomHpackEncoder {
  readonly #random: Random
  /** The newest first. */
  #entries: Field[] = []
  #bytes = 0
  #limit = mostTableBytes

  constructor(random: Random) {
    this.#random = random
  }

  encode(fields: readonly Field[]): Buffer {
    return Buffer.concat([...this.#sizes(), ...fields.map(field => this.#field(field))])
  }

  /** §4.2: at the beginning of a block; two say the smallest on the way and the last. */
  #sizes(): Buffer[] {
    const random = this.#random
    if (!random.chance(0.1)) return []
    const sizes = [random.int(mostTableBytes + 1)]
    if (random.chance(0.4)) sizes.push(Math.min(mostTableBytes, (sizes[0] ?? 0) + random.int(2000)))
    return sizes.map(size => {
      this.#limit = size
      this.#evict(size)
      return encodeInteger(size, 5, 0x20)
    })
  }

  #field(field: Field): Buffer {
    const random = this.#random
    const [name, value] = field
    const whole = this.#places(([n, v]) => n === name && v === value)
    if (whole.length > 0 && random.chance(0.7)) return encodeInteger(random.pick(whole), 7, 0x80)
    const names = this.#places(([n]) => n === name)
    const index = names.length > 0 && random.chance(0.7) ? random.pick(names) : 0
    const form = random.int(3)
    const [bits, pattern] = form === 0 ? [6, 0x40] : form === 1 ? [4, 0] : [4, 0x10]
    const written = Buffer.concat([
      encodeInteger(index, bits ?? 4, pattern ?? 0),
      ...(index === 0 ? [this.#string(name)] : []),
      this.#string(value),
    ])
    if (form === 0) this.#add(field)
    return written
  }

  #places(matches: (field: Field) => boolean): number[] {
    const found: number[] = []
    for (let at = 1; at < staticTable.length; at++) {
      const entry = staticTable[at]
      if (entry !== undefined && matches([entry.name, entry.value])) found.push(at)
    }
    for (const [at, entry] of this.#entries.entries()) if (matches(entry)) found.push(staticTable.length + at)
    return found
  }

  #string(text: string): Buffer {
    if (this.#random.chance(0.5)) {
      const coded = encodeHuffman(text)
      return Buffer.concat([encodeInteger(coded.length, 7, 0x80), coded])
    }
    return Buffer.concat([encodeInteger(text.length, 7, 0), Buffer.from(text, 'latin1')])
  }

  #add(field: Field): void {
    const size = sizeOf(field)
    this.#evict(this.#limit - size)
    if (size > this.#limit) return
    this.#entries.unshift(field)
    this.#bytes += size
  }

  #evict(size: number): void {
    while (this.#entries.length > 0 && this.#bytes > size) {
      const oldest = this.#entries.pop()
      if (oldest !== undefined) this.#bytes -= sizeOf(oldest)
    }
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + 32
}
