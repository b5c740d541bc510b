import { Opaque, type Value } from './value.js'

/** A message literal: an object type by name, any fields (KEP-3962, `Object.metadata{labels: …}`). */
export class Message extends Opaque {
  override readonly type: string
  readonly fields: ReadonlyMap<string, Value>

  constructor(type: string, fields: ReadonlyMap<string, Value>) {
    super()
    this.type = type
    this.fields = fields
  }

  /** Only identity: `equal` compares fields, because that must be paid for. */
  override equals(other: Opaque): boolean {
    return this === other
  }
}
