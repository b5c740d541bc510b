import { isIP } from 'node:net'
import { type Document, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What is different at every site. What is left out stays as the example has it. */
export interface EnvoyPlaces {
  /** Name of the Server document. */
  readonly server?: string
  /** Path of its endpoint. */
  readonly path?: string
  /** Where clients connect. */
  readonly listen?: Endpoint
  /** The MCP server. */
  readonly upstream?: Endpoint
  /** The door of mcp-authz that decides. */
  readonly authz?: Endpoint
  /** The response door, where it is another one. */
  readonly answers?: Endpoint
}

/**
 * One of the example configurations with the names and places of a site, comments and all. Throws where the example does not
 * have what is to be replaced: it would go on to name something else.
 */
export function envoyConfiguration(example: string, places: EnvoyPlaces): string {
  const document = parseDocument(example)
  const [problem] = document.errors
  if (problem !== undefined) throw new Error(`the example is no YAML: ${problem.message}`)
  const { server, path, listen, upstream, authz, answers } = places
  if (server !== undefined) expect(replaceServer(document, server), 'a Server')
  if (path !== undefined) expect(replacePath(document, path), 'a path')
  if (listen !== undefined) moveTo(document, ['static_resources', 'listeners', 0, 'address'], listen)
  if (upstream !== undefined) expect(moveCluster(document, 'mcp_server', upstream), 'a cluster mcp_server')
  // ext_proc alone has one cluster, which decides.
  if (authz !== undefined) expect(moveCluster(document, 'mcp_authz', authz), 'a cluster mcp_authz')
  if (answers !== undefined) expect(moveCluster(document, 'mcp_authz_answers', answers), 'a cluster mcp_authz_answers')
  return document.toString({ lineWidth: 0 })
}

function expect(done: boolean, what: string): void {
  if (!done) throw new Error(`the example has no ${what}`)
}

const exampleServer = 'kubernetes'
const examplePath = '/mcp'

function replaceServer(document: Document, server: string): boolean {
  let replaced = false
  visit(document, {
    Pair(_, { key, value }, ancestors) {
      if (!isScalar(key) || !isScalar(value) || value.value !== exampleServer) return
      const parent = ancestors.at(-1)
      const isExtension = key.value === 'mcp-server'
      const isMetadata = key.value === 'value' && isMap(parent) && parent.get('key') === 'mcp-server'
      if (!isExtension && !isMetadata) return
      value.value = server
      replaced = true
    },
  })
  return replaced
}

function replacePath(document: Document, path: string): boolean {
  let replaced = false
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || !isScalar(value) || key.value !== 'path' || value.value !== examplePath) return
      value.value = path
      replaced = true
    },
  })
  return replaced
}

function moveCluster(document: Document, name: string, endpoint: Endpoint): boolean {
  const clusters = document.getIn(['static_resources', 'clusters'])
  if (!isSeq(clusters)) return false
  const index = clusters.items.findIndex(cluster => isMap(cluster) && cluster.get('name') === name)
  if (index < 0) return false
  const cluster = ['static_resources', 'clusters', index]
  moveTo(document, [...cluster, 'load_assignment', 'endpoints', 0, 'lb_endpoints', 0, 'endpoint', 'address'], endpoint)
  if (isIP(endpoint.host) === 0) document.setIn([...cluster, 'type'], 'STRICT_DNS')
  return true
}

function moveTo(document: Document, address: readonly (string | number)[], { host, port }: Endpoint): void {
  const at = [...address, 'socket_address']
  if (!document.hasIn([...at, 'port_value'])) throw new Error(`the example has no address at ${at.join('.')}`)
  document.setIn([...at, 'address'], host)
  document.setIn([...at, 'port_value'], port)
}
