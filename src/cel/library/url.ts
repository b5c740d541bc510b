import { Failure } from '../values/value.js'
import { isText } from './implement.js'
import type { Library } from './library.js'
import { parseRequestUri, parseUrl } from './parse-url.js'
import { isOf, priced1, traversal } from './priced.js'
import { Url } from './url-value.js'

const isUrl = isOf(Url)
const noUrl = new Failure('not a URL: write an absolute one, or an absolute path')

/** Two parsers must accept the text, as in Kubernetes: one that wants an absolute URL, one that knows fragments. */
function readUrl(text: string): Url | Failure {
  if (!parseRequestUri(text).ok) return noUrl
  const parsed = parseUrl(text)
  return parsed.ok ? new Url(parsed.url) : noUrl
}

/** Kubernetes takes one unit; each ten characters that are decoded or copied are one more here. */
const accessor = (characters: number): number => 1 + Math.floor(characters / 10)
const hostPrice = (url: Url): number => accessor(url.length.host)

/** `kubernetes.urls` (Kubernetes 1.23): the parser is Go's net/url, not the WHATWG one. */
export const urlLibrary: Library = {
  name: 'kubernetes.urls',
  types: ['kubernetes.URL'],
  functions: [
    { id: 'string_to_url', signature: 'url(string) -> kubernetes.URL', call: priced1(isText, readUrl, traversal) },
    {
      id: 'is_url_string',
      signature: 'isURL(string) -> bool',
      call: priced1(isText, text => parseRequestUri(text).ok, traversal),
    },
    {
      id: 'url_get_scheme',
      signature: 'kubernetes.URL.getScheme() -> string',
      call: priced1(isUrl, url => url.scheme),
    },
    {
      id: 'url_get_host',
      signature: 'kubernetes.URL.getHost() -> string',
      call: priced1(isUrl, url => url.host, hostPrice),
    },
    {
      id: 'url_get_hostname',
      signature: 'kubernetes.URL.getHostname() -> string',
      call: priced1(isUrl, url => url.hostname, hostPrice),
    },
    {
      id: 'url_get_port',
      signature: 'kubernetes.URL.getPort() -> string',
      call: priced1(isUrl, url => url.port, hostPrice),
    },
    {
      id: 'url_get_escaped_path',
      signature: 'kubernetes.URL.getEscapedPath() -> string',
      call: priced1(
        isUrl,
        url => url.escapedPath,
        url => accessor(url.length.path),
      ),
    },
    {
      id: 'url_get_query',
      signature: 'kubernetes.URL.getQuery() -> map(string, list(string))',
      call: priced1(
        isUrl,
        url => url.query(),
        url => accessor(url.length.query),
      ),
    },
  ],
}
