/** A field of a protobuf message as it stands on the wire: for messages that no codec of ours would write. */
export type Field = readonly [number: number, value: number | string | Uint8Array | readonly Field[]]

/** Numbers become varints (negative ones ten bytes long, as int32 does), everything else has a length. */
export function protobuf(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number')
        return Buffer.concat([varint(BigInt(number << 3)), varint(BigInt.asUintN(64, BigInt(value)))])
      const bytes = isFields(value) ? protobuf(...value) : Buffer.from(value)
      return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes])
    }),
  )
}

function isFields(value: string | Uint8Array | readonly Field[]): value is readonly Field[] {
  return Array.isArray(value)
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
