import type { InboundRequest } from './inbound-request.js'

/**
 * What a request may bring, so that what an allow adds still fits. Envoy counts 100 headers, the four pseudo headers
 * among them, and 60 KiB of names and values; a request that the answer takes beyond them ends in a bare 500.
 */
export const headerBudget = { count: 72, bytes: 32 * 1024 } as const

/** Whether a request has more headers than its answer leaves room for. Every line counts, repeated names too. */
export function exceedsHeaderBudget({ headers, path, query, authority }: InboundRequest): boolean {
  let count = 0
  let bytes = path.length + (query?.length ?? 0) + authority.length
  for (const name of headers.names()) {
    const value = headers.one(name)
    if (value !== undefined) {
      count++
      bytes += name.length + value.length
      continue
    }
    for (const one of headers.all(name)) {
      count++
      bytes += name.length + one.length
    }
  }
  return count > headerBudget.count || bytes > headerBudget.bytes
}
