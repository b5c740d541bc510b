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

/**
 * What an object in this field must be called: the field's path (`Object.spec` in the field `spec` of an `Object`), as
 * Kubernetes has it. undefined where it may have any name.
 */
export function nameInField({ type }: Message, field: string): string | undefined {
  return type === 'Object' || type.startsWith('Object.') ? `${type}.${field}` : undefined
}

const patchTexts = ['op', 'path', 'from'] as const

/** The field of a JSON Patch that is no text, though it was `dyn` and could not be told before. */
export function wrongPatchField({ type, fields }: Message): string | undefined {
  if (type !== 'JSONPatch') return undefined
  return patchTexts.find(name => typeof (fields.get(name) ?? '') !== 'string')
}
