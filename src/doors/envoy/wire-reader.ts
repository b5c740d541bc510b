/** Wire types of protobuf. Groups (3 and 4) are long gone from what gateways write, and are refused. */
const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

/**
 * Reads protobuf in one pass and without objects. Strict where codecs are lenient, so that nobody can read another message
 * than we do: a field has the wire type that it is read as, lengths stay within their message, field numbers begin at 1,
 * varints end within their ten bytes and fit into what they are read as.
 *
 * What is wrong is remembered in {@link failed} and ends every loop over {@link more}; what was read then means nothing. Each
 * method takes the end of the message that it reads in.
 */
export class WireReader {
  readonly bytes: Buffer
  #at = 0
  #wireType = varint
  #failed = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get failed(): boolean {
    return this.#failed
  }

  /** Where the next byte is read; behind `open` the first one of what was opened. */
  get at(): number {
    return this.#at
  }

  more(end: number): boolean {
    return this.#at < end
  }

  /** The message is refused: nothing more is read. */
  fail(): void {
    this.#failed = true
    this.#at = this.bytes.length
  }

  /** Number of the field that comes next; then exactly one method must read or skip it. 0 when there is none. */
  field(end: number): number {
    const tag = this.#uint32(end)
    this.#wireType = tag & 7
    const field = tag >>> 3
    if (field === 0) this.fail()
    return field
  }

  /** The same for a field that holds a message and may come once. Two copies are merged by some and not by others. */
  once(seen: number, field: number): number {
    const bit = 1 << field
    if ((seen & bit) !== 0) this.fail()
    return seen | bit
  }

  /** Enters a field that has a length. Its end, to be passed as `end` while its content is read. */
  open(end: number): number {
    if (this.#wireType !== delimited) this.fail()
    const length = this.#uint32(end)
    if (length > end - this.#at) this.fail()
    return this.#failed ? this.#at : this.#at + length
  }

  /**
   * Enters the field that comes next if its tag is this one, a single byte, and its length is below 128, as with most texts: what
   * {@link field} and {@link open} do, in a few steps. -1 where they have to be asked.
   */
  openShort(tag: number, end: number): number {
    const { bytes } = this
    const at = this.#at
    const length = bytes[at + 1]
    if (bytes[at] !== tag || length === undefined || length > 0x7f || at + 2 + length > end) return -1
    this.#at = at + 2
    return at + 2 + length
  }

  /** Passes over the content of what was opened. */
  close(end: number): void {
    if (!this.#failed) this.#at = end
  }

  /** A field that has a length and whose content nobody reads. */
  pass(end: number): void {
    this.close(this.open(end))
  }

  /** A string; bytes that are not UTF-8 become U+FFFD. */
  text(end: number): string {
    const stop = this.open(end)
    const start = this.#at
    this.close(stop)
    return start === stop ? '' : this.bytes.toString('utf8', start, stop)
  }

  /** An unsigned integer of 32 bits, in no more bytes than it can need. */
  uint32(end: number): number {
    if (this.#wireType !== varint) this.fail()
    return this.#uint32(end)
  }

  /** A bool as every codec writes it. */
  flag(end: number): boolean {
    const value = this.uint32(end)
    if (value !== 0 && value !== 1) this.fail()
    return value === 1
  }

  double(end: number): number {
    if (this.#wireType !== fixed64 || end - this.#at < 8) this.fail()
    if (this.#failed) return 0
    const at = this.#at
    this.#at = at + 8
    return this.bytes.readDoubleLE(at)
  }

  /** A signed integer of 64 bits, as near as a number can be. */
  int64(end: number): number {
    if (this.#wireType !== varint) this.fail()
    const { bytes } = this
    let at = this.#at
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) break
      const byte = bytes[at++] ?? 0
      const bits = byte & 0x7f
      // Seven bits at a time; the fifth group lies across the middle, the tenth is one bit.
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte >= 0x80) continue
      if (shift === 63 && byte > 1) break
      this.#at = at
      return high * 0x1_0000_0000 + (low >>> 0)
    }
    this.fail()
    return 0
  }

  /** A field that nobody reads. It must be well-formed all the same. */
  skip(end: number): void {
    switch (this.#wireType) {
      case varint:
        this.int64(end)
        break
      case fixed64:
        this.#advance(8, end)
        break
      case delimited:
        this.pass(end)
        break
      case fixed32:
        this.#advance(4, end)
        break
      default:
        this.fail()
    }
  }

  #advance(length: number, end: number): void {
    if (length > end - this.#at) this.fail()
    else this.#at += length
  }

  /** A tag or a length: at most five bytes, and no more than 32 bits in them. */
  #uint32(end: number): number {
    const { bytes } = this
    let at = this.#at
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) break
      const byte = bytes[at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (shift === 28 && byte > 0x0f) break
      this.#at = at
      return value >>> 0
    }
    this.fail()
    return 0
  }
}
