import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../src/protocol/json-value.js'
import { parseStrictJson } from '../../../src/protocol/strict-json.js'
import type { Expectation } from '../case.js'
import { type Sighting, toJsonValue } from '../servers/reading-server.js'

/** What a message says, as we read it. */
export interface Reading {
  readonly kind: 'request' | 'notification' | 'response'
  readonly id: JsonValue | undefined
  readonly method: string
  readonly params: JsonValue | undefined
}

/** The messages of a body as our parser reads them: one, those of a batch, or none where it is no JSON-RPC. */
export function ourReading(body: Uint8Array): readonly Reading[] {
  const read = parseStrictJson(body)
  if (!read.ok) return []
  const messages = isJsonArray(read.value) ? read.value : [read.value]
  return messages.filter(message => isJsonObject(message)).map(readMessage)
}

function readMessage(message: JsonObject): Reading {
  const method = message.get('method')
  const id = message.get('id')
  if (typeof method !== 'string') return { kind: 'response', id, method: '', params: undefined }
  return { kind: id === undefined ? 'notification' : 'request', id, method, params: message.get('params') }
}

/** What a server read other than we did; undefined when each of its messages is one of ours, once. */
export function disagreement(ours: readonly Reading[], theirs: readonly Sighting[]): string | undefined {
  const left = [...ours]
  for (const sighting of theirs) {
    const found = left.findIndex(reading => difference(reading, sighting) === undefined)
    if (found < 0) {
      const nearest = ours.find(({ method }) => method === sighting.method)
      const what = nearest === undefined ? 'a message that we did not read' : difference(nearest, sighting)
      return `${what ?? 'the same message twice'}: it read ${show(sighting)}`
    }
    left.splice(found, 1)
  }
  return undefined
}

function difference(ours: Reading, theirs: Sighting): string | undefined {
  if (ours.kind !== theirs.kind) return `a ${theirs.kind} for a ${ours.kind}`
  if (ours.method !== theirs.method) return 'another method'
  if (!sameJson(ours.id, theirs.id)) return 'another id'
  if (theirs.params === undefined || !isJsonObject(theirs.params)) {
    // A server may leave out params that say nothing.
    const nothing = ours.params === undefined || ours.params === null
    return nothing || (isJsonObject(ours.params) && saysNothing(ours.params)) ? undefined : 'no params'
  }
  const params = isJsonObject(ours.params) ? ours.params : new Map<string, JsonValue>()
  for (const [key, value] of theirs.params) {
    // Servers take parts of `_meta` away, or put their own in.
    if (key !== '_meta' && !sameJson(params.get(key), value)) return `another ${key}`
  }
  for (const key of ['name', 'arguments', 'uri', 'ref', 'argument', 'taskId', 'requestId']) {
    if (!sameJson(params.get(key), theirs.params.get(key))) return `another ${key}`
  }
  return undefined
}

function saysNothing(params: JsonObject): boolean {
  return [...params.keys()].every(key => key === '_meta')
}

/** Equal as JSON. Where one side holds a double, both count as doubles: JavaScript has no other numbers. */
export function sameJson(ours: JsonValue | undefined, theirs: JsonValue | undefined): boolean {
  if (ours === undefined || theirs === undefined || ours === null || theirs === null) return ours === theirs
  if (isNumber(ours) && isNumber(theirs)) {
    if (typeof ours === 'bigint' && typeof theirs === 'bigint') return ours === theirs
    return Number(ours) === Number(theirs)
  }
  if (isJsonArray(ours)) {
    if (!isJsonArray(theirs) || ours.length !== theirs.length) return false
    return ours.every((element, at) => sameJson(element, theirs[at]))
  }
  if (isJsonObject(ours)) {
    if (!isJsonObject(theirs) || ours.size !== theirs.size) return false
    return [...ours].every(([key, member]) => theirs.has(key) && sameJson(member, theirs.get(key)))
  }
  return ours === theirs
}

function isNumber(value: JsonValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** For messages of failed tests. */
function show(sighting: Sighting): string {
  return JSON.stringify(sighting, (_key, value: unknown) => {
    if (value instanceof Map) return Object.fromEntries(value)
    return typeof value === 'bigint' ? `${value}` : value
  }).slice(0, 500)
}

/** Where a case says what servers read, and our parser reads something else. */
export function announcedOtherwise(expectation: Expectation, ours: readonly Reading[]): string | undefined {
  if (!('allow' in expectation) || expectation.read === undefined) return undefined
  const { method, name, arguments: args } = expectation.read
  const [message] = ours
  const params = isJsonObject(message?.params) ? message.params : new Map<string, JsonValue>()
  if (ours.length !== 1 || message?.method !== method) return `it is no ${method}`
  if (name !== undefined && !names(params).some(one => one === name || one === PREFIX + name))
    return `it does not name ${name}`
  return args === undefined || sameJson(params.get('arguments'), toJsonValue(args)) ? undefined : 'other arguments'
}

/** `toolPrefix` of the Server `prefixed`: the message holds it, and what we judge does not. */
const PREFIX = 'up_'

/** Wherever the methods of MCP name what they are about. */
function names(params: JsonObject): (JsonValue | undefined)[] {
  const ref = params.get('ref')
  const holders = isJsonObject(ref) ? [params, ref] : [params]
  return holders.flatMap(holder => ['name', 'uri', 'taskId'].map(key => holder.get(key)))
}
