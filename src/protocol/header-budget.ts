import type { InboundRequest } from './inbound-request.js'
import type { RequestHeaders } from './request-headers.js'

/**
 * What a request may bring, so that what an allow adds still fits. Envoy counts 100 headers, the four pseudo headers
 * among them, and 60 KiB of names and values; a request that the answer takes beyond them ends in a bare 500.
 */
export const headerBudget = { count: 72, bytes: 32 * 1024 } as const

/** Whether a request has more headers than its answer leaves room for. Every line counts, repeated names too. */
export function exceedsHeaderBudget({ headers, path, query, authority }: InboundRequest): boolean {
  const target = path.length + (query?.length ?? 0) + authority.length
  const { atMost } = headers
  // A UTF-16 unit is at most three bytes of UTF-8. Most requests are far below, and nobody has to read their values.
  if (atMost !== undefined && atMost.count <= headerBudget.count && atMost.bytes + 3 * target <= headerBudget.bytes) {
    return false
  }
  let count = 0
  let units = target
  for (const name of headers.names()) {
    const value = headers.one(name)
    if (value !== undefined) {
      count++
      units += name.length + value.length
      continue
    }
    for (const one of headers.all(name)) {
      count++
      units += name.length + one.length
    }
  }
  if (count > headerBudget.count || units > headerBudget.bytes) return true
  // Only long headers have to be measured.
  return units > headerBudget.bytes / 3 && target + bytesOf(headers) > headerBudget.bytes
}

function bytesOf(headers: RequestHeaders): number {
  let bytes = 0
  for (const name of headers.names()) {
    for (const value of headers.all(name)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return bytes
}
