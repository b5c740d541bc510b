import fc from 'fast-check'

/** Fields of a message by number: a message of its own, or how a value is written. Only `most` of them are written. */
export type Schema = {
  most?: number
  readonly [field: number]: Schema | 'text' | 'bytes' | 'number' | 'double'
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  do {
    const more = rest > 0x7fn
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

export function field(number: number, wireType: number, payload: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + wireType)), payload])
}

export function delimited(number: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content)
  return field(number, 2, Buffer.concat([varint(BigInt(bytes.length)), bytes]))
}

const texts = ['', 'a', 'x-a', 'X-A', ':path', ':Path', ':method', 'POST', '/mcp', '/mcp?a=b!', 'ä', '__proto__', '7']
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts).map(value => Buffer.from(value)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map(value => Buffer.from(value)) },
)
const number = fc.oneof(fc.constantFrom(0n, 1n, 2n, 300n, -1n, 1n << 32n, 1n << 63n), fc.bigInt(0n, (1n << 64n) - 1n))
const double = fc.oneof(fc.constantFrom(0, -0, 1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY), fc.double())

function payload(kind: Schema[number], depth: number): fc.Arbitrary<{ wireType: number; bytes: Buffer }> {
  const counted = (bytes: Buffer) => ({ wireType: 2, bytes: Buffer.concat([varint(BigInt(bytes.length)), bytes]) })
  switch (kind) {
    case 'text':
    case 'bytes':
      return text.map(counted)
    case 'number':
      return number.map(value => ({ wireType: 0, bytes: varint(value) }))
    case 'double':
      return double.map(value => {
        const bytes = Buffer.alloc(8)
        bytes.writeDoubleLE(value)
        return { wireType: 1, bytes }
      })
    default:
      return anyMessage(kind, depth - 1).map(counted)
  }
}

/** What somebody might write who knows the fields: some twice, some nobody knows, seldom one in a wrong way. */
export function anyMessage(schema: Schema, depth: number): fc.Arbitrary<Buffer> {
  const known = Object.entries(schema).flatMap(([name, kind]) =>
    typeof kind === 'number' || (depth === 0 && typeof kind === 'object')
      ? []
      : payload(kind, depth).map(({ wireType, bytes }) => field(Number(name), wireType, bytes)),
  )
  const unknown = fc.constantFrom(
    field(50, 0, varint(1n << 63n)),
    field(15, 1, Buffer.alloc(8)),
    field(1000, 5, Buffer.alloc(4)),
    delimited(77, 'whatever'),
  )
  const wrong = fc.constantFrom(
    field(0, 0, Buffer.of(1)),
    field(1, 0, Buffer.of(1)),
    field(2, 5, Buffer.alloc(4)),
    field(99, 3, field(99, 4, Buffer.alloc(0))),
    field(4, 2, varint(1n << 31n)),
    Buffer.of(0xff),
  )
  const one = fc.oneof(
    { weight: 60, arbitrary: fc.oneof(fc.constant(Buffer.alloc(0)), ...known) },
    { weight: 3, arbitrary: unknown },
    { weight: 1, arbitrary: wrong },
  )
  return fc
    .array(one, { minLength: schema.most === 1 ? 1 : 0, maxLength: schema.most ?? 4 })
    .map(fields => Buffer.concat(fields))
}
