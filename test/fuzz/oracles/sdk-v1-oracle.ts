import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  isJSONRPCNotification,
  isJSONRPCRequest,
  JSONRPCMessageSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { Call } from '../../../src/protocol/call.js'
import { compareReading, sameId } from './compare-reading.js'

const requestSchemas = {
  'tools/call': CallToolRequestSchema,
  'prompts/get': GetPromptRequestSchema,
  'resources/read': ReadResourceRequestSchema,
} as const

/**
 * What a server of the first SDK does with a body that we let pass: it decodes with replacement characters, cuts off a
 * byte order mark, parses, and hands the message to the handler of its method. So does one behind `express.json()`.
 */
export function judgeBySdkV1(bytes: Uint8Array, call: Call): string | undefined {
  const parsed = lenientJson(bytes)
  if (parsed === undefined) return undefined
  return judgeParsed(parsed, call)
}

/** The same for a batch, of which it runs every message, or none if one is malformed. */
export function judgeBatchBySdkV1(bytes: Uint8Array, calls: readonly Call[]): string | undefined {
  const parsed = lenientJson(bytes)
  if (parsed === undefined) return undefined
  if (!Array.isArray(parsed) || parsed.length !== calls.length) return 'it reads another number of messages'
  for (const [at, call] of calls.entries()) {
    const wrong = judgeParsed(parsed[at], call)
    if (wrong !== undefined) return `message ${at}: ${wrong}`
  }
  return undefined
}

function judgeParsed(parsed: unknown, call: Call): string | undefined {
  const raw = compareRaw(parsed, call)
  if (raw !== undefined) return `as express.json() reads it, ${raw}`
  const { data: message } = JSONRPCMessageSchema.safeParse(parsed)
  if (message === undefined) return undefined
  if (isJSONRPCRequest(message)) {
    if (call.kind !== 'request') return `we read a ${call.kind}, it a request`
    if (!sameId(call, message.id)) return 'it reads another id'
    const dispatched = requestSchemaOf(message.method)?.safeParse(message).data ?? message
    return compareReading(call, dispatched as { method: string; params: unknown })
  }
  if (isJSONRPCNotification(message)) {
    if (call.kind !== 'notification') return `we read a ${call.kind}, it a notification`
    return compareReading(call, { method: message.method, params: message.params })
  }
  if (call.kind !== 'response') return `we read a ${call.kind}, it a response`
  return sameId(call, message.id) ? undefined : 'it reads another id'
}

/** Undefined for what the SDK refuses as no JSON. */
function lenientJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8').decode(bytes))
  } catch {
    return undefined
  }
}

function compareRaw(parsed: unknown, call: Call): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'it is no single message'
  const members = new Map<string, unknown>(Object.entries(parsed))
  if (!sameId(call, members.get('id'))) return 'it has another id'
  if (call.kind === 'response') return members.has('method') ? 'it has a method' : undefined
  return compareReading(call, { method: String(members.get('method')), params: members.get('params') })
}

function requestSchemaOf(method: string) {
  return method in requestSchemas ? requestSchemas[method as keyof typeof requestSchemas] : undefined
}
