import type { google } from '../../../gen/wire.js'
import type { MetadataValue } from '../../decision/decision.js'
import { isWellFormed } from './header-rules.js'

const maxEntries = 64
const maxLength = 2048

/** Metadata as a protobuf Struct; undefined when it cannot be sent (too much, not finite, not Unicode). */
export function metadataToStruct(metadata: ReadonlyMap<string, MetadataValue>): google.protobuf.IStruct | undefined {
  if (metadata.size > maxEntries) return undefined
  const fields: Record<string, google.protobuf.IValue> = {}
  for (const [key, value] of metadata) {
    if (key === '__proto__' || !isText(key)) return undefined
    const converted = toValue(value)
    if (converted === undefined) return undefined
    fields[key] = converted
  }
  return { fields }
}

function toValue(value: MetadataValue): google.protobuf.IValue | undefined {
  switch (typeof value) {
    case 'string':
      return isText(value) ? { stringValue: value } : undefined
    case 'boolean':
      return { boolValue: value }
    case 'number':
      return Number.isFinite(value) ? { numberValue: value } : undefined
    case 'object':
      if (value.length > maxEntries || !value.every(isText)) return undefined
      return { listValue: { values: value.map(item => ({ stringValue: item })) } }
  }
}

function isText(text: string): boolean {
  return text.length <= maxLength && isWellFormed(text)
}
