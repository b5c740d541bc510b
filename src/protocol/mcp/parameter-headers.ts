import { isJsonObject, type JsonObject, type JsonValue } from '../json-value.js'
import type { RequestHeaders } from '../request-headers.js'
import { dashedName } from '../security-headers.js'
import { decodeNameHeader } from './name-header.js'

/** One argument that a tool's schema wants repeated in a header (`x-mcp-header`). */
export interface MirroredParameter {
  /** Lower-case name of the header, `mcp-param-…`. */
  readonly header: string
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

export const parameterPrefix = 'mcp-param-'
/** Compared as numbers; a fraction of zeros changes nothing. */
const integerText = /^-?[0-9]{1,16}(?:\.0{1,16})?$/

/**
 * What is wrong with the `Mcp-Param-*` headers of a modern tools/call, or undefined (specification 2026-07-28,
 * basic/transports/streamable-http; SEP-2243). Where the tool's schema is known, each declared header must be there
 * exactly when its argument is, and say the same. Headers that nobody declared are left to those who know them, as the
 * specification wants; but none may come twice or be malformed.
 */
export function parameterMismatch(
  declared: readonly MirroredParameter[],
  args: JsonObject | undefined,
  headers: RequestHeaders,
): string | undefined {
  for (const name of headers.names()) {
    if (!name.startsWith(parameterPrefix)) {
      if (!dashedName(name).startsWith(parameterPrefix)) continue
      return 'A header looks like Mcp-Param-…; spell it with "-".'
    }
    const value = headers.one(name)
    if (value === undefined || decodeNameHeader(value) === undefined) {
      return 'A header Mcp-Param-… comes twice, or is neither plain ASCII nor well-formed base64.'
    }
  }
  for (const { header, path, type } of declared) {
    const value = at(args, path)
    const raw = headers.one(header)
    const written = raw === undefined ? undefined : decodeNameHeader(raw)
    if (!agree(written, value, type)) {
      return `The header ${header} must be present when its argument is, and equal to it.`
    }
  }
  return undefined
}

function at(args: JsonObject | undefined, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = args
  for (const key of path) value = isJsonObject(value) ? value.get(key) : undefined
  return value
}

/** An absent argument and null have no header. */
function agree(written: string | undefined, value: JsonValue | undefined, type: MirroredParameter['type']): boolean {
  if (value === undefined || value === null) return written === undefined
  if (written === undefined) return false
  switch (type) {
    case 'string':
      return value === written
    case 'boolean':
      return typeof value === 'boolean' && written === String(value)
    case 'integer': {
      const number = typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN
      return Number.isSafeInteger(number) && integerText.test(written) && Number(written) === number
    }
  }
}
