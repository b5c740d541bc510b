import type { InboundRequest } from '../protocol/inbound-request.js'

const abandoned = new WeakSet<InboundRequest>()

/**
 * Says that a door has answered a request itself, because it could not wait any longer. The pipeline may go on, so that
 * what it looks up is cached, but its decision is nobody's: it must not be recorded as if it had been.
 */
export function abandon(request: InboundRequest): void {
  abandoned.add(request)
}

export function isAbandoned(request: InboundRequest): boolean {
  return abandoned.has(request)
}
