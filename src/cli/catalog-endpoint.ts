import { readFileSync } from 'node:fs'
import type { Endpoint } from '../catalog-import/endpoint.js'
import { UsageError } from './command.js'

export interface EndpointFlags {
  readonly 'token-file'?: string | undefined
  readonly 'header-file'?: string | undefined
  readonly 'ca-file'?: string | undefined
  readonly 'insecure-http'?: boolean | undefined
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Set by the protocol or by the transport. */
const reserved =
  /^(?:accept|connection|content-.*|expect|host|keep-alive|mcp-.*|te|trailer|transfer-encoding|upgrade|proxy-.*)$/
const headerLine =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]{0,16000}[\x21-\x7e])?)[ \t]*$/

/**
 * The endpoint that the command line names. Credentials come from files or standard input, never from arguments, which
 * every process on the machine may read. Throws a UsageError.
 */
export function endpointOf(text: string, flags: EndpointFlags): Endpoint {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new UsageError('the address of the server is not a URL; write it like https://mcp.example.com/mcp')
  }
  if (url.username !== '' || url.password !== '')
    throw new UsageError('credentials do not belong in the URL; use --token-file or --header-file')
  if (url.protocol === 'http:' && !loopback.has(url.hostname) && flags['insecure-http'] !== true)
    throw new UsageError('plain http could be read and changed on the way; use https, or --insecure-http')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new UsageError('the URL is neither https nor http')
  url.hash = ''
  const headers: Record<string, string> = {}
  for (const [name, value] of headersIn(flags['header-file'])) headers[name] = value
  const tokenFile = flags['token-file']
  if (tokenFile !== undefined) {
    const token = read(tokenFile).trim()
    if (!/^[\x21-\x7e]{1,16000}$/.test(token)) throw new UsageError(`${tokenFile} does not hold a token`)
    headers.authorization = `Bearer ${token}`
  }
  const ca = flags['ca-file']
  return { url: url.href, headers, certificateAuthority: ca === undefined ? undefined : read(ca) }
}

/** For messages and comments: without the query, which may hold secrets. */
export function shownUrl(endpoint: Endpoint): string {
  const { origin, pathname } = new URL(endpoint.url)
  return `${origin}${pathname}`
}

function* headersIn(file: string | undefined): Iterable<readonly [string, string]> {
  if (file === undefined) return
  for (const [index, line] of read(file).split(/\r?\n/).entries()) {
    if (line === '') continue
    const [, name, value] = headerLine.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError(`line ${index + 1} of ${file} is not a header; write it like X-Api-Key: …`)
    if (reserved.test(name.toLowerCase())) throw new UsageError(`the header ${name} is not yours to set`)
    yield [name.toLowerCase(), value]
  }
}

function read(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8')
}
