import type { Config } from './config.js'
import { configApiVersion } from './config-document.js'

/**
 * The configuration in effect as a document of kind Config: defaults filled in, those included that depend on the door. It
 * names files and holds nothing that stands in them; what a URL carries beside host and path is left out.
 */
export function effectiveConfig({ spec, listeners, sources, decisionLog }: Config): unknown {
  return withoutCredentials({
    apiVersion: configApiVersion,
    kind: 'Config',
    spec: {
      ...spec,
      sources: spec.sources.map((source, index) => {
        const known = sources[index]
        return known?.from === 'directory'
          ? { ...source, directory: known.directory }
          : { ...source, ...(known !== undefined && { kinds: known.kinds }) }
      }),
      listeners: spec.listeners.map((listener, index) => {
        const known = listeners[index]
        if (known === undefined) return listener
        const { name, maxMessageBytes, trust, address } = known
        const trusts = trust === 'unix' ? {} : { trust }
        return { ...listener, name, maxMessageBytes, ...trusts, ...(address.kind === 'tcp' && { port: address.port }) }
      }),
      decisionLog: { ...spec.decisionLog, stdout: decisionLog.stdout },
    },
  })
}

function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return withoutUserInfo(value)
  if (Array.isArray(value)) return value.map(withoutCredentials)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutCredentials(inner)]))
}

/** `https://user:secret@host/path?key=secret` without user, secret and query. Other texts stay as they are. */
function withoutUserInfo(text: string): string {
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:\/\//.exec(text)?.[0]
  if (scheme === undefined) return text
  const rest = text.slice(scheme.length)
  const end = rest.search(/[/?#]/)
  const authority = end < 0 ? rest : rest.slice(0, end)
  const path = end < 0 ? '' : rest.slice(end)
  const cut = path.search(/[?#]/)
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  return `${scheme}${host === authority ? '' : '…@'}${host}${cut < 0 ? path : `${path.slice(0, cut)}?…`}`
}
