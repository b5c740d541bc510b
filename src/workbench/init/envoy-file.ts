import { isIP } from 'node:net'
import { isMap, isSeq, parseDocument } from 'yaml'
import { envoyConfiguration } from '../envoy-configuration.js'
import type { StartInput } from './start-input.js'

const tlsType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
/** Where Debian, Ubuntu, Alpine and Envoy's own images keep what everybody trusts. */
const authorities = '/etc/ssl/certs/ca-certificates.crt'

/** envoy/ext-authz.yaml for this place. A server elsewhere is called by its own name, and over TLS where it asks for it. */
export function envoyFile({ name, path, listen, authz, upstream, envoyExample }: StartInput): string {
  const places = { server: name, path, listen, authz, ...(upstream !== undefined && { upstream }) }
  const text = envoyConfiguration(envoyExample, places)
    // The example says how it is started as an example.
    .replace(/^# Starts as it is: .*\n(?:#.*\n)*?(?=# What must stay)/m, '#\n')
  if (upstream === undefined || isIP(upstream.host) !== 0 || upstream.host === 'localhost') {
    return upstream?.tls === true ? change(text, upstream, undefined) : text
  }
  return change(text, upstream, upstream.host)
}

function change(text: string, upstream: { readonly host: string; readonly tls: boolean }, host: string | undefined) {
  const document = parseDocument(text)
  if (host !== undefined) {
    const route = routeOf(document)
    if (route === undefined) throw new Error('the example has no route to the MCP server')
    document.setIn([...route, 'host_rewrite_literal'], host)
  }
  if (upstream.tls) {
    const clusters = document.getIn(['static_resources', 'clusters'])
    const at = isSeq(clusters) ? clusters.items.findIndex(one => isMap(one) && one.get('name') === 'mcp_server') : -1
    if (at < 0) throw new Error('the example has no cluster mcp_server')
    const names = isIP(upstream.host) === 0 ? { sni: upstream.host } : {}
    const expected = { san_type: isIP(upstream.host) === 0 ? 'DNS' : 'IP_ADDRESS', matcher: { exact: upstream.host } }
    const validation = { trusted_ca: { filename: authorities }, match_typed_subject_alt_names: [expected] }
    document.setIn(
      ['static_resources', 'clusters', at, 'transport_socket'],
      document.createNode({
        name: 'envoy.transport_sockets.tls',
        typed_config: { '@type': tlsType, ...names, common_tls_context: { validation_context: validation } },
      }),
    )
  }
  return document.toString({ lineWidth: 0 })
}

const routes = ['static_resources', 'listeners', 0, 'filter_chains', 0, 'filters', 0, 'typed_config', 'route_config']

function routeOf(document: ReturnType<typeof parseDocument>): readonly (string | number)[] | undefined {
  const place = [...routes, 'virtual_hosts', 0, 'routes', 0, 'route']
  return document.getIn([...place, 'cluster']) === 'mcp_server' ? place : undefined
}
