import type { Era } from '../call.js'
import { isJsonObject, type JsonObject } from '../json-value.js'
import type { RequestHeaders } from '../request-headers.js'
import { trimOws } from './name-header.js'

export const versionKey = 'io.modelcontextprotocol/protocolVersion'
/** 2024-10-07 was never published, but SDKs still name it. */
export const legacyVersions: ReadonlySet<string> = new Set([
  '2024-10-07',
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
])
export const modernVersions: ReadonlySet<string> = new Set(['2026-07-28'])
const firstModernVersion = '2026-07-28'
const versionName = /^[\x21-\x7e]{1,64}$/
const isoDate = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/

export type EraResult =
  | { readonly ok: true; readonly era: Era; readonly version: string | undefined }
  | { readonly ok: false; readonly era: Era; readonly message: string; readonly jsonRpcCode: number }

/** The `MCP-Protocol-Version` header; undefined when absent. Framing refuses repeats. */
export function versionHeader(headers: RequestHeaders): string | undefined {
  const value = headers.one('mcp-protocol-version')
  return value === undefined ? undefined : trimOws(value)
}

/**
 * The era of a message. The body decides: a request with the key `io.modelcontextprotocol/protocolVersion` in
 * `params._meta` is modern, one without is legacy (specification 2026-07-28, basic/versioning). Where body and header, or
 * two servers, could disagree, the answer is a refusal:
 * - a claim that is no modern version, which one server runs as legacy and another refuses;
 * - a modern header without a claim; only for notifications the header alone decides;
 * - a version that we do not know, because we cannot know what its messages touch. `server/discover` touches nothing, so
 *   its server may answer and name the versions that it has.
 */
export function readEra(
  kind: 'request' | 'notification' | 'response',
  method: string,
  params: JsonObject | undefined,
  headers: RequestHeaders,
): EraResult {
  const header = versionHeader(headers)
  const meta = params?.get('_meta')
  const claim = isJsonObject(meta) ? meta.get(versionKey) : undefined
  if (claim !== undefined) {
    // Its server names the versions that it has, whatever it is asked for.
    const named = method === 'server/discover' ? versionName : isoDate
    if (typeof claim !== 'string' || !named.test(claim) || claim < firstModernVersion) {
      return {
        ok: false,
        era: 'legacy',
        message: `The member ${versionKey} of _meta must be a protocol version from ${firstModernVersion} on; leave it out for older ones.`,
        jsonRpcCode: -32602,
      }
    }
    if (!modernVersions.has(claim) && method !== 'server/discover') return unknownVersion('modern')
    return { ok: true, era: 'modern', version: claim }
  }
  if (header === undefined || legacyVersions.has(header)) return { ok: true, era: 'legacy', version: header }
  if (!modernVersions.has(header)) return unknownVersion('legacy')
  if (kind === 'notification') return { ok: true, era: 'modern', version: header }
  return {
    ok: false,
    era: 'modern',
    message: `With this MCP-Protocol-Version every request needs ${versionKey} in params._meta.`,
    jsonRpcCode: -32602,
  }
}

function unknownVersion(era: Era): EraResult {
  const known = [...legacyVersions, ...modernVersions].join(', ')
  return {
    ok: false,
    era,
    message: `This protocol version is not known here. Known are ${known}.`,
    jsonRpcCode: -32600,
  }
}
