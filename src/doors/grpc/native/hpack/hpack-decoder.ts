import { decodeHuffman } from './decode-huffman.js'
import { DynamicTable } from './dynamic-table.js'
import { type HeaderField, headerField, sizeOf } from './header-field.js'
import { staticTable } from './static-table.js'

/**
 * `tooLarge`: the list is longer than allowed; the table has seen all of it, the list is cut. `broken`: the block cannot be read, and
 * with it none that follows on this connection (COMPRESSION_ERROR).
 */
export type DecodeOutcome = 'ok' | 'tooLarge' | 'broken'

/** Reads the header blocks of one direction of one connection, in order (RFC 7541). */
export class HpackDecoder {
  readonly #table = new DynamicTable()
  #at = 0
  #block: Buffer = empty

  /**
   * @param into takes the fields
   * @param maxListBytes of all fields, as RFC 9113 §6.5.2 counts them
   */
  decode(block: Buffer, start: number, end: number, into: HeaderField[], maxListBytes: number): DecodeOutcome {
    this.#block = block
    this.#at = start
    let left = maxListBytes
    let mayResize = true
    while (this.#at < end) {
      const octet = block[this.#at] ?? 0
      let field: HeaderField | undefined
      if (octet >= 0x80) field = this.#field(this.#integer(7, end))
      else if (octet >= 0x40) {
        field = this.#literal(6, end)
        if (field !== undefined) this.#table.add(field)
      } else if (octet < 0x20) field = this.#literal(4, end)
      else {
        // §4.2: changes of the size come before anything else.
        if (!mayResize) return 'broken'
        const limit = this.#integer(5, end)
        if (limit < 0 || !this.#table.resize(limit)) return 'broken'
        continue
      }
      if (field === undefined) return 'broken'
      mayResize = false
      left -= sizeOf(field)
      if (left >= 0) into.push(field)
    }
    this.#block = empty
    return left >= 0 ? 'ok' : 'tooLarge'
  }

  #field(index: number): HeaderField | undefined {
    if (index <= 0) return undefined
    return index < staticTable.length ? staticTable[index] : this.#table.at(index - staticTable.length)
  }

  #literal(prefixBits: number, end: number): HeaderField | undefined {
    const index = this.#integer(prefixBits, end)
    if (index < 0) return undefined
    const name = index === 0 ? this.#string(end) : this.#field(index)?.name
    if (name === undefined) return undefined
    const value = this.#string(end)
    return value === undefined ? undefined : headerField(name, value)
  }

  #string(end: number): string | undefined {
    if (this.#at >= end) return undefined
    const huffman = (this.#block[this.#at] ?? 0) >= 0x80
    const length = this.#integer(7, end)
    if (length < 0 || length > end - this.#at) return undefined
    const start = this.#at
    this.#at = start + length
    if (!huffman) return this.#block.toString('latin1', start, start + length)
    const room = Math.ceil((length * 8) / 5)
    const target = room <= scratch.length ? scratch : Buffer.allocUnsafe(room)
    const decoded = decodeHuffman(this.#block, start, start + length, target)
    return decoded < 0 ? undefined : target.toString('latin1', 0, decoded)
  }

  /** §5.1. @returns -1 if it does not end, or is larger than 2^28: no index, size or length of ours is */
  #integer(prefixBits: number, end: number): number {
    const most = (1 << prefixBits) - 1
    let value = (this.#block[this.#at++] ?? 0) & most
    if (value < most) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= end) return -1
      const octet = this.#block[this.#at++] ?? 0
      value += (octet & 0x7f) << shift
      if (octet < 0x80) return value
    }
    return -1
  }
}

const empty = Buffer.alloc(0)

/** Most strings fit; the text is taken out of it at once. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)
