import { type CelMap, Failure, Opaque, type Value } from '../values/value.js'
import type { UrlParts } from './parse-url.js'
import { type ByteString, escapePercent, isEncoded, type Part, toText, unescapePercent } from './percent-encoding.js'

/** Go's limit on the parameters of a query (go1.26 `urlmaxqueryparams`). */
const maxParameters = 10_000

const notText = new Failure('the URL holds percent-encoded bytes that are not UTF-8')
const tooMany = new Failure(`the query of the URL has more than ${maxParameters} parameters`)

/** `kubernetes.URL`. */
export class Url extends Opaque {
  readonly type = 'kubernetes.URL'
  private readonly parts: UrlParts
  private spelled: string | undefined

  constructor(parts: UrlParts) {
    super()
    this.parts = parts
  }

  override equals(other: Opaque): boolean {
    return other instanceof Url && this.spelling() === other.spelling()
  }

  get scheme(): string {
    return this.parts.scheme
  }

  /** With the port. */
  get host(): string | Failure {
    return toText(this.parts.host) ?? notText
  }

  /** Without the port, and without the brackets of an IPv6 address. */
  get hostname(): string | Failure {
    const { host } = this.parts
    const name = host.slice(0, host.length - portOf(host).length)
    return toText(name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name) ?? notText
  }

  /** Empty where there is none. */
  get port(): string {
    return portOf(this.parts.host).slice(1)
  }

  get escapedPath(): string {
    return this.parts.path === '*' ? '*' : escaped(this.parts.path, 'path')
  }

  /** Pairs that are not well encoded, or that hold a `;`, are left out, as Go does. */
  query(): CelMap | Failure {
    const { query } = this.parts
    const values = new Map<string, Value[]>()
    if (query === '') return values
    const pairs = query.split('&')
    if (pairs.length > maxParameters) return tooMany
    for (const pair of pairs) {
      if (pair === '' || pair.includes(';')) continue
      const equal = pair.indexOf('=')
      const key = unescapePercent(equal < 0 ? pair : pair.slice(0, equal), 'query')
      const value = unescapePercent(equal < 0 ? '' : pair.slice(equal + 1), 'query')
      if (!key.ok || !value.ok) continue
      const [name, text] = [toText(key.bytes), toText(value.bytes)]
      if (name === undefined || text === undefined) return notText
      const list = values.get(name)
      if (list === undefined) values.set(name, [text])
      else list.push(text)
    }
    return values
  }

  /** For the cost of looking at them. */
  get length(): { readonly host: number; readonly path: number; readonly query: number } {
    return { host: this.parts.host.length, path: this.parts.path.length, query: this.parts.query.length }
  }

  /** One spelling of the URL, as Go's `URL.String`; made once, because equality costs one unit only. */
  private spelling(): string {
    this.spelled ??= this.assemble()
    return this.spelled
  }

  private assemble(): string {
    const { scheme, opaque, user, host, omitHost, path, query, emptyQuery, fragment } = this.parts
    let text = scheme === '' ? '' : `${scheme}:`
    if (opaque !== '') text += opaque
    else {
      const named = host !== '' || user !== undefined
      if (named || (scheme !== '' && !omitHost && path !== '')) text += '//'
      if (user !== undefined) {
        const password = user.password === undefined ? '' : `:${escapePercent(user.password, 'userinfo')}`
        text += `${escapePercent(user.name, 'userinfo')}${password}@`
      }
      text += escapePercent(host, 'host') + this.escapedPath
    }
    if (emptyQuery || query !== '') text += `?${query}`
    return fragment === '' ? text : `${text}#${escaped(fragment, 'fragment')}`
  }
}

/** As it was written where that was well encoded, else encoded anew. */
function escaped(written: ByteString, part: Part): string {
  if (isEncoded(written, part)) return written
  const decoded = unescapePercent(written, part)
  return decoded.ok ? escapePercent(decoded.bytes, part) : ''
}

/** With its colon; empty where there is none. */
function portOf(host: ByteString): string {
  const colon = host.lastIndexOf(':')
  return colon >= 0 && /^:[0-9]*$/.test(host.slice(colon)) ? host.slice(colon) : ''
}
