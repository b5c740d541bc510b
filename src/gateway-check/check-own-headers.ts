import { ownHeaders } from '../decision/allow-headers.js'
import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import { textOf } from './read-scalar.js'

/** `x-mcp-authz-…`, in every spelling that a server may read as such. */
const ownPrefix = ownHeaders[0]?.replace(/user$/, '') ?? ''

export function isOwnHeader(name: string): boolean {
  return name.toLowerCase().replaceAll('_', '-').startsWith(ownPrefix)
}

/** `request_headers_to_add` of a route, virtual host, route configuration or weighted cluster. */
export function checkHeadersToAdd(holder: ConfigNode, { findings }: CheckContext): void {
  for (const option of holder.list('request_headers_to_add')) {
    const name = textOf(option.deep('header', 'key'))
    if (isOwnHeader(name)) findings.add('envoy.own_header_added', option, `request_headers_to_add adds ${name}`)
  }
}

/** The filter header_mutation, after ext_authz. */
export function checkHeaderMutation(config: ConfigNode, { findings }: CheckContext): void {
  for (const mutation of config.field('mutations')?.list('request_mutations') ?? []) {
    const name = textOf(mutation.deep('append', 'header', 'key'))
    if (isOwnHeader(name)) findings.add('envoy.own_header_added', mutation, `header_mutation adds ${name}`)
    else if (/^(?::path|:authority|:method|host)$/i.test(name))
      findings.add('envoy.changes_after', mutation, `header_mutation changes ${name}`)
  }
}
