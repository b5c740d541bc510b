import type { Call } from '../../../src/protocol/call.js'
import { sameValue } from './same-value.js'

/** Members of params by which servers act, and that no other key may stand in for. */
const members = ['name', 'arguments', 'uri', 'taskId', '_meta', 'ref', 'cursor']

/**
 * What a reader does that takes keys in any case (Go's encoding/json before it was told not to: CVE-2026-27896), or cuts
 * them at NUL (GHSA-q382-vc8q-7jhj): of several keys that are one to it, the last counts.
 */
export function judgeByFolding(bytes: Uint8Array, calls: readonly Call[]): string | undefined {
  const parsed: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
  const messages: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  for (const [at, call] of calls.entries()) {
    const message = foldedMembers(messages[at])
    if (call.method !== (message.get('method') ?? '')) return 'another method, by a key that folds'
    if (call.kind === 'response') continue
    const params = foldedMembers(message.get('params'))
    for (const name of members) {
      if (!sameValue(call.params?.get(name), params.get(fold(name))))
        return `another params.${name}, by a key that folds`
    }
    if (call.arguments !== undefined && foldedMembers(params.get('arguments')).size !== call.arguments.size) {
      return 'two arguments as one'
    }
  }
  return undefined
}

function foldedMembers(value: unknown): ReadonlyMap<string, unknown> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return new Map(entries.map(([key, member]) => [fold(key), member]))
}

/** Lower case, and the long s; the Kelvin sign is a k in lower case already. */
function fold(key: string): string {
  return (key.split('\u0000')[0] ?? '').toLowerCase().replaceAll('\u017f', 's')
}
