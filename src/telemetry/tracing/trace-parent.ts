/** Where a span of somebody else stands (W3C Trace Context). */
export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  /** Whether they record it; flags that we do not know are passed over. */
  readonly sampled: boolean
}

/** Version, trace id, parent id and flags in lower-case hex, ids not zero (W3C Trace Context, section 3.2). */
const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/

const plainLength = 55
/** What later versions add is not ours to read; without a limit it would be read all the same. */
const maxLength = 256

/** undefined: it is none. A later version may have more behind a further dash (section 3.2.4). */
export function parseTraceParent(value: string): TraceParent | undefined {
  if (value.length > maxLength) return undefined
  const [, version, traceId, spanId, flags] = form.exec(value) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (version === '00' && value.length !== plainLength) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
