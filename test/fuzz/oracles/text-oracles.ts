import { isJsonContentType as isJsonBySdk } from '@modelcontextprotocol/server'
import { parseMIMEType } from 'undici'
import type { ContentType } from '../../../src/protocol/content-type.js'

/**
 * A content type that we read must be the same to the WHATWG MIME parser; one that we take for JSON must be JSON to the
 * SDK, and in UTF-8 also to a server that merely searches for `charset=`.
 */
export function judgeContentType(value: string, read: ContentType | undefined, isJson: boolean): string | undefined {
  if (isJson) {
    if (!isJsonBySdk(value)) return 'the SDK takes it for something else than JSON'
    const charset = /charset\s*=\s*["']?([^\s;,"']*)/i.exec(value.replaceAll('\\', ''))?.[1]
    if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
      return `a server may take the charset for ${charset}`
  }
  if (read === undefined) return isJson ? 'JSON without a content type' : undefined
  const theirs = parseMIMEType(value)
  // It knows fewer characters of tokens than RFC 9110; what it refuses, or leaves out, it does not act on.
  if (theirs === 'failure') return undefined
  if (theirs.essence !== read.essence) return `the MIME parser reads ${theirs.essence}`
  for (const [name, text] of theirs.parameters) {
    if (read.parameters.get(name) !== text) return `the MIME parser reads another ${name}`
  }
  return isJson && theirs.parameters.get('charset') !== read.parameters.get('charset')
    ? 'the MIME parser reads another charset'
    : undefined
}

/** The value of a `Mcp-Name` header once more, by a regular expression, `atob` and a decoder that fails. */
export function judgeNameHeader(raw: string, read: string | undefined): string | undefined {
  const trimmed = /^[\t ]*([\t\x20-\x7e]*?)[\t ]*$/.exec(raw)?.[1]
  if (read === undefined) {
    const literal = trimmed !== undefined && !/^=\?base64\?.*\?=$/.test(trimmed) && raw.length <= 8192
    return literal ? 'refused a plain value' : undefined
  }
  if (trimmed === undefined) return 'accepted characters that a header cannot hold'
  const encoded = /^=\?base64\?(.*)\?=$/.exec(trimmed)?.[1]
  if (encoded === undefined) return read === trimmed ? undefined : 'changed a plain value'
  return read === decodeBase64(encoded) ? undefined : 'decoded to another value'
}

/** Undefined if it is not base64 of UTF-8 in its one canonical form. */
function decodeBase64(encoded: string): string | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) return undefined
  const binary = atob(encoded)
  if (btoa(binary) !== encoded) return undefined
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return decoder.decode(Uint8Array.from(binary, character => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

const standardSchemes = /^(?:https?|wss?|ftp|file):/

/** A uri that we take for canonical must be what a parser of the URL standard prints, and must hide nothing. */
export function judgeUri(uri: string, accepted: boolean): string | undefined {
  if (!accepted) return undefined
  if (!/^[\x21-\x7e]{1,2048}$/.test(uri) || uri.includes('#')) return 'accepted characters that are in no uri'
  if (/%(?![0-9A-F]{2})|%(?:2F|5C|25|[01][0-9A-F]|7F)/.test(uri)) return 'accepted an encoding that hides something'
  const path = /^[^:]+:(?:\/\/[^/?]*)?([^?]*)/.exec(uri)?.[1] ?? ''
  if (path.split('/').some(segment => /^\.\.?(?:;|$)/.test(segment))) return 'accepted a dot segment'
  // One that the standard refuses (a host that is no punycode) is nobody else's either.
  if (!standardSchemes.test(uri) || !URL.canParse(uri)) return undefined
  const { href } = new URL(uri)
  return href === uri ? undefined : `a parser of the URL standard makes ${href} of it`
}

/** A path and query that we let pass must reach a server that parses URLs unchanged, and decode to no dot segment. */
export function judgeTarget(path: string, query: string | undefined): string | undefined {
  const target = query === undefined ? path : `${path}?${query}`
  if (!URL.canParse(`http://host${target}`)) return 'a parser of the URL standard refuses it'
  const url = new URL(`http://host${target}`)
  if (url.host !== 'host') return 'a parser of the URL standard finds another host'
  if (url.pathname !== path && !differsInQuotes(url.pathname, path))
    return 'a parser of the URL standard changes the path'
  const segments = decodeLenient(path).split(/[/\\]/)
  if (segments.some(segment => /^\.\.?(?:;|$)/.test(segment))) return 'it decodes to a dot segment'
  for (const name of url.searchParams.keys()) {
    if (name.toLowerCase() === 'access_token') return 'a token in the query'
  }
  return undefined
}

/** The URL standard writes some visible characters of a path as escapes; what they stand for stays the same. */
function differsInQuotes(printed: string, path: string): boolean {
  const escaped = (text: string) =>
    text.replaceAll(/["<>^`{}]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return escaped(printed) === escaped(path)
}

function decodeLenient(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
