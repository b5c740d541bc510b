import { isJsonObject, type JsonValue } from '../../../src/protocol/json-value.js'
import { parseStrictJson } from '../../../src/protocol/strict-json.js'
import type { Reading } from './compare-reading.js'
import type { WireAnswer } from './wire-request.js'

/**
 * What the answer of a server that tells nothing else gives away: server-everything echoes a message and names the tool
 * whose arguments it refused, kubernetes-mcp-server names the tool that it does not know. Says what it read other than
 * we did; undefined when nothing is known.
 */
export function readFromAnswer(server: string, ours: readonly Reading[], { body }: WireAnswer): string | undefined {
  const [message] = ours
  if (message?.method !== 'tools/call' || !isJsonObject(message.params)) return undefined
  const name = message.params.get('name')
  const answer = messageIn(body)
  if (typeof name !== 'string' || !isJsonObject(answer)) return undefined
  const text = textOf(answer)
  switch (server) {
    case 'everything': {
      if (text.startsWith('Echo: ')) {
        const args = message.params.get('arguments')
        const echoed = isJsonObject(args) ? args.get('message') : undefined
        return name === 'echo' && text === `Echo: ${String(echoed)}` ? undefined : `it said ${text.slice(0, 200)}`
      }
      const [, other] =
        /^MCP error -32602: (?:Input validation error: Invalid arguments for tool (.+?): )/.exec(text) ?? []
      return other === undefined || other === name ? undefined : `it took the tool for ${other}`
    }
    case 'kubernetes': {
      const unknown = /^unknown tool "(.*)"$/.exec(text)?.[1]
      // Go quotes in its own way what is more than a word.
      const plain = unknown !== undefined && /^[\w.-]+$/.test(unknown + name)
      return !plain || unknown === name ? undefined : `it took the tool for ${unknown}`
    }
    default:
      return undefined
  }
}

/** The JSON-RPC message of an answer, plain or as an event. */
function messageIn(body: string): JsonValue | undefined {
  const event = body.split('\n').find(line => line.startsWith('data: {'))
  const read = parseStrictJson(Buffer.from(event?.slice('data: '.length) ?? body))
  return read.ok ? read.value : undefined
}

/** The first text of a tool's result, or the message of an error. */
function textOf(answer: ReadonlyMap<string, JsonValue>): string {
  const result = answer.get('result')
  const error = answer.get('error')
  const content = isJsonObject(result) ? result.get('content') : undefined
  const first = Array.isArray(content) ? content[0] : undefined
  const text = isJsonObject(error) ? error.get('message') : first instanceof Map ? first.get('text') : undefined
  return typeof text === 'string' ? text : ''
}
