import type { google } from '../../../gen/wire.js'
import type { MetadataValue } from '../../decision/decision.js'
import { isWellFormed } from './header-rules.js'

const maxEntries = 64
const maxLength = 2048

/** Whether metadata can be sent: not too much, finite, Unicode. */
export function isSendable(metadata: ReadonlyMap<string, MetadataValue>): boolean {
  if (metadata.size > maxEntries) return false
  for (const [key, value] of metadata) if (key === '__proto__' || !isText(key) || !isSendableValue(value)) return false
  return true
}

function isSendableValue(value: MetadataValue): boolean {
  switch (typeof value) {
    case 'string':
      return isText(value)
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value.length <= maxEntries && value.every(isText)
  }
}

/** Metadata that {@link isSendable} as a protobuf Struct. */
export function metadataToStruct(metadata: ReadonlyMap<string, MetadataValue>): google.protobuf.IStruct {
  const fields: Record<string, google.protobuf.IValue> = {}
  for (const [key, value] of metadata) fields[key] = toValue(value)
  return { fields }
}

function toValue(value: MetadataValue): google.protobuf.IValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      return { numberValue: value }
    case 'object':
      return { listValue: { values: value.map(item => ({ stringValue: item })) } }
  }
}

function isText(text: string): boolean {
  return text.length <= maxLength && isWellFormed(text)
}
