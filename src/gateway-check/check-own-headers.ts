import { ownHeaders } from '../decision/allow-headers.js'
import type { CheckContext } from './check-context.js'
import { type ConfigNode, mappings } from './config-node.js'
import type { HttpFilter } from './http-filters.js'
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

/** Where filters name the headers in which they tell the server who is asking; by kind of filter. */
const writtenHeaders: ReadonlyMap<string, readonly string[]> = new Map([
  ['jwt_authn', ['header_name', 'forward_payload_header']],
  ['basic_auth', ['forward_username_header']],
])

/** A filter after ext_authz that writes headers of ours. */
export function checkWrittenHeaders(filter: HttpFilter, { findings }: CheckContext): void {
  const fields = writtenHeaders.get(filter.kind) ?? []
  if (fields.length === 0) return
  for (const mapping of mappings(filter.config)) {
    for (const field of fields) {
      const node = mapping.field(field)
      if (node !== undefined && isOwnHeader(textOf(node)))
        findings.add('envoy.own_header_added', node, `${filter.name} writes ${textOf(node)}`)
    }
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
