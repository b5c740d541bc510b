import protobuf from 'protobufjs/minimal.js'

/** The fields of a protobuf message by their numbers, as they stand on the wire: for the few of them that a test reads. */
export class ProtobufFields {
  readonly #values = new Map<number, (number | Uint8Array)[]>()

  constructor(bytes: Uint8Array) {
    const reader = protobuf.Reader.create(bytes)
    while (reader.pos < reader.len) {
      const tag = reader.uint32()
      const wireType = tag & 7
      if (wireType === 0) this.#add(tag >>> 3, reader.int32())
      else if (wireType === 2) this.#add(tag >>> 3, reader.bytes())
      else reader.skipType(wireType)
    }
  }

  /** Of a varint, 0 if it is not there. */
  number(field: number): number {
    const value = this.#values.get(field)?.at(-1)
    return typeof value === 'number' ? value : 0
  }

  bytes(field: number): Uint8Array {
    const value = this.#values.get(field)?.at(-1)
    return value instanceof Uint8Array ? value : new Uint8Array(0)
  }

  message(field: number): ProtobufFields {
    return new ProtobufFields(this.bytes(field))
  }

  messages(field: number): ProtobufFields[] {
    const values = this.#values.get(field) ?? []
    return values.flatMap(value => (value instanceof Uint8Array ? [new ProtobufFields(value)] : []))
  }

  #add(field: number, value: number | Uint8Array): void {
    const values = this.#values.get(field)
    if (values === undefined) this.#values.set(field, [value])
    else values.push(value)
  }
}
