import type { google } from '../../../gen/wire.js'
import type { MetadataValue } from '../../decision/decision.js'
import { isWellFormed } from './header-text.js'

const maxEntries = 64
const maxListed = 16
/** The one list that rules of the gateway go by: cut, it would hide what it should show. agentgateway takes 20,000. */
const longList = { key: 'allowed_tools', max: 4096 } as const
const maxLength = 2048

/**
 * The metadata as far as it can be sent: long texts and lists are cut (a cut text ends in "…", so that it is nobody
 * else's name), and what a Struct cannot hold is left out. It only describes the decision, so that nothing in it may
 * turn an allow into a denial. The same map when there is nothing to mend.
 */
export function sendableMetadata(metadata: ReadonlyMap<string, MetadataValue>): ReadonlyMap<string, MetadataValue> {
  if (isSendable(metadata)) return metadata
  const kept = [...metadata].filter(([key, value]) => isSendableKey(key) && !isOddNumber(value)).slice(0, maxEntries)
  return new Map(kept.map(([key, value]) => [key, cut(key, value)]))
}

function isSendable(metadata: ReadonlyMap<string, MetadataValue>): boolean {
  if (metadata.size > maxEntries) return false
  for (const [key, value] of metadata) if (!isSendableKey(key) || !isSendableValue(key, value)) return false
  return true
}

function isSendableKey(key: string): boolean {
  return key !== '__proto__' && isText(key)
}

function isOddNumber(value: MetadataValue): boolean {
  return typeof value === 'number' && !Number.isFinite(value)
}

function isSendableValue(key: string, value: MetadataValue): boolean {
  switch (typeof value) {
    case 'string':
      return isText(value)
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value.length <= listed(key) && value.every(isText)
  }
}

function listed(key: string): number {
  return key === longList.key ? longList.max : maxListed
}

function cut(key: string, value: MetadataValue): MetadataValue {
  if (typeof value === 'string') return cutText(value)
  return typeof value === 'object' ? value.slice(0, listed(key)).map(cutText) : value
}

function cutText(text: string): string {
  const short = text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
  // Half of a surrogate pair, also one that the cut has made, becomes U+FFFD.
  return Buffer.from(short).toString()
}

/** Metadata from {@link sendableMetadata} as a protobuf Struct. */
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
