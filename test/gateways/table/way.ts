import type { GatewayCase, Trait } from './case.js'

/** What came of a request, whichever way it was asked about. */
export interface Verdict {
  /** gateway: refused without asking us. */
  readonly outcome: 'allow' | 'deny' | 'respond' | 'gateway'
  readonly reason: string
  readonly would: readonly string[]
  /** What the server gets; undefined where the way tells no headers. */
  readonly server: ReadonlyMap<string, readonly string[]> | undefined
  /** What the client gets instead; undefined where the way has no answer of HTTP. */
  readonly client?: ClientAnswer | undefined
}

export interface ClientAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

/** One way to ask: a door, and a gateway before it. */
export interface Way {
  readonly name: string
  readonly traits: ReadonlySet<Trait>
  /** undefined: it cannot be said in this way. */
  ask(one: GatewayCase): Promise<Verdict | undefined>
  stop?(): Promise<void>
}

export const refusedByGateway: Verdict = { outcome: 'gateway', reason: '', would: [], server: undefined }

/** As the metadata of a decision tell it. */
export function verdictOf(
  metadata: Readonly<Record<string, unknown>>,
  server: ReadonlyMap<string, readonly string[]> | undefined,
  client?: ClientAnswer,
): Verdict {
  const { decision, reason = '', would_deny: would = [] } = metadata
  if (decision !== 'allow' && decision !== 'deny' && decision !== 'respond') throw new Error('no decision is told')
  return { outcome: decision, reason: String(reason), would: Array.isArray(would) ? would : [], server, client }
}
