import type { IncomingMessage } from 'node:http'
import { type AdminListener, isLoopback } from './admin-listener.js'

const maxHost = 300

/**
 * Why a request may come from a page of somebody else, in words for its sender; undefined where it does not. A page can make
 * a browser call us under a name of the page's own that resolves to a loopback address (DNS rebinding): there is no password
 * in the way there, but the browser tells us the name. And it tells in `Origin` and `Sec-Fetch-Site` whose page asks.
 */
export function foreignOrigin(request: IncomingMessage, listener: AdminListener): string | undefined {
  const [host, ...others] = request.headersDistinct.host ?? []
  if (host === undefined || others.length > 0 || host.length > maxHost) return 'the Host header must be there once'
  const name = nameOf(host)
  if (name === undefined || !isOurs(name, listener))
    return 'this is no name of the admin listener; call it 127.0.0.1 or localhost, or list the name in admin.hosts'
  const origin = request.headersDistinct.origin
  if (origin !== undefined && !origin.every(one => one === `http://${host}` || one === `https://${host}`))
    return 'pages of other origins may not ask here'
  const site = request.headersDistinct['sec-fetch-site']
  // `none`: the user's own doing, such as a bookmark. A link on another page is its doing.
  if (site !== undefined && !site.every(one => one === 'same-origin' || one === 'none'))
    return 'pages of other origins may not ask here'
  return undefined
}

/** Lower case, without port and brackets. A port-forward has any port. */
function nameOf(host: string): string | undefined {
  return /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]{1,5})?$/.exec(host.toLowerCase())?.slice(1).find(Boolean)
}

function isOurs(name: string, { host, hosts }: AdminListener): boolean {
  if (isLoopback(name) || name === host.toLowerCase()) return true
  if (hosts.some(one => one.toLowerCase() === name)) return true
  // Beyond loopback nobody is answered without a token or a certificate that no page of others has at hand: where no names
  // are listed, any will do.
  return !isLoopback(host) && hosts.length === 0
}
