/** RFC 9113, section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const END_STREAM = 1
const END_HEADERS = 4
export const ACK = 1
const PADDED = 8
const PRIORITY = 0x20
export const MAX_FRAME = 16_384

/** RFC 7541, section 6.2.2: literal fields with new names, never indexed and not compressed. */
export function encodeHeaders(list: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const prefix: number[] = []
  let rest = bytes.length
  if (rest < 127) prefix.push(rest)
  else {
    prefix.push(127)
    for (rest -= 127; rest >= 128; rest >>= 7) prefix.push((rest & 127) | 128)
    prefix.push(rest)
  }
  return Buffer.concat([Buffer.from(prefix), bytes])
}

export function headerFrames(block: Buffer, stream: number, endStream: boolean): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME) {
    const last = at + MAX_FRAME >= block.length ? END_HEADERS : 0
    const flags = at === 0 && endStream ? last | END_STREAM : last
    const type = at === 0 ? FRAME.headers : FRAME.continuation
    frames.push(frame(type, flags, stream, block.subarray(at, at + MAX_FRAME)))
  }
  return frames
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function unpad(payload: Buffer, flags: number): Buffer {
  const padding = (flags & PADDED) === 0 ? 0 : payload.readUInt8(0)
  const from = ((flags & PADDED) === 0 ? 0 : 1) + ((flags & PRIORITY) === 0 ? 0 : 5)
  return payload.subarray(from, payload.length - padding)
}

/** RFC 7541, appendix A: the entries 8 to 14 of the static table. */
const STATIC_STATUS = [200, 204, 206, 304, 400, 404, 500] as const

/** The status comes first. Written out, it is three digits, which Huffman coding gives five or six bits each. */
export function readStatus(block: Buffer): number {
  let at = 0
  // The peer says first that it uses no table.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at++
  const first = block[at] ?? 0
  if (first >= 0x88 && first <= 0x8e) return STATIC_STATUS[first - 0x88] ?? 0
  const length = block[at + 1] ?? 0
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f))
  return Number(length < 0x80 ? value.toString('latin1') : huffmanDigits(value))
}

function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3 && at + 5 <= bits.length; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    // RFC 7541, appendix B: 0, 1 and 2 are 00000 to 00010; 3 to 9 are 011001 to 011111.
    if (five <= 2) {
      digits += five
      at += 5
    } else {
      digits += Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3
      at += 6
    }
  }
  return digits
}
