import type { HeaderValue } from '../../decision/decision.js'

/** The names under which a server is told of the caller: the first one, and those behind it. */
const firstName = 'x-mcp-authz-user'
const otherNames: ReadonlySet<string> = new Set([
  'x-mcp-authz-groups',
  'x-mcp-authz-groups-omitted',
  'x-mcp-authz-agent',
  'x-mcp-authz-tenant',
  'x-mcp-authz-chain',
])

/** Of names and values; what is longer is checked and written each time. */
const longestKept = 2048

/** Headers about a caller that were found to be in order. */
export interface CallerHeaders {
  readonly headers: readonly HeaderValue[]
  /** Of names and values. */
  readonly bytes: number
  /** As they stand in an answer, once they were written. */
  written: Uint8Array | undefined
}

/**
 * The headers of a principal are the same objects with each of its requests; what is known of them goes when they go. Only
 * the first one is looked up, and then the texts of all are compared, so that nobody has to promise that they never change.
 */
const known = new WeakMap<HeaderValue, CallerHeaders>()

/** Where those about the caller begin; -1 when there are none. */
export function callerBegin(headers: readonly HeaderValue[]): number {
  for (let i = 0; i < headers.length; i++) if (headers[i]?.name === firstName) return i
  return -1
}

/** What is known of the headers from there on; undefined unless they were {@link rememberCaller remembered}. */
export function knownCaller(headers: readonly HeaderValue[], begin: number): CallerHeaders | undefined {
  const first = headers[begin]
  const found = first && known.get(first)
  if (found === undefined) return undefined
  for (let i = 0; i < found.headers.length; i++) {
    const one = found.headers[i]
    const other = headers[begin + i]
    if (one?.name !== other?.name || one?.value !== other?.value) return undefined
  }
  return found
}

/**
 * Notes that the headers about the caller may be sent.
 * @param bytesOf of one that may be sent
 */
export function rememberCaller(
  headers: readonly HeaderValue[],
  begin: number,
  bytesOf: (header: HeaderValue) => number,
): void {
  const first = headers[begin]
  if (first === undefined) return
  let end = begin + 1
  while (otherNames.has(headers[end]?.name ?? '')) end++
  const kept = headers.slice(begin, end).map(({ name, value }) => ({ name, value }))
  const bytes = kept.reduce((sum, header) => sum + bytesOf(header), 0)
  if (bytes <= longestKept) known.set(first, { headers: kept, bytes, written: undefined })
}
