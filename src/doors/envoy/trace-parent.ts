/**
 * The span that asks us. The gateway's own call tells of it in gRPC metadata; the headers of the request name the client's
 * span only, because gateways write theirs when they pass the request on. Without the first the second has to do.
 */
export function askingSpan(own: string | undefined, sent: string | undefined): string | undefined {
  if (own !== undefined && isTraceParent(own)) return own
  return sent !== undefined && isTraceParent(sent) ? sent : undefined
}

/**
 * True for a W3C Trace Context `traceparent`: version, trace id, parent id and flags in lower-case hex, ids not zero.
 * Version ff is forbidden; a version that we do not know may have more behind a further dash (section 3.2.4).
 */
export function isTraceParent(value: string): boolean {
  if (value.length < 55 || value.length > 256) return false
  const version = value.slice(0, 2)
  if (!isHex(value, 0, 2) || version === 'ff') return false
  if (value[2] !== '-' || value[35] !== '-' || value[52] !== '-') return false
  if (!isHex(value, 3, 35) || !isHex(value, 36, 52) || !isHex(value, 53, 55)) return false
  if (isZero(value, 3, 35) || isZero(value, 36, 52)) return false
  return value.length === 55 || (version !== '00' && value[55] === '-')
}

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
  }
  return true
}

function isZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text[i] !== '0') return false
  return true
}
