import { isScalar, parseDocument, visit } from 'yaml'

/** The ports that the example configurations in envoy/ use. A test keeps the two in step. */
export const EXAMPLE_PORTS = {
  listener: 8080,
  upstream: 8081,
  authz: 9001,
  http: 9002,
  answers: 9003,
  admin: 9901,
} as const
const REQUIRED = ['listener', 'upstream', 'admin'] as const

export interface EnvoyPorts {
  /** Where clients connect. */
  readonly listener: number
  /** The MCP server, or a proxy before it. */
  readonly upstream: number
  /** mcp-authz's gRPC door. */
  readonly authz: number
  readonly admin: number
  /** mcp-authz's response door; needed when the template mentions it. */
  readonly answers?: number
  /** mcp-authz's HTTP port (well-known documents); needed when the template mentions it. */
  readonly http?: number
}

/**
 * An example configuration with other ports, on loopback only. Only `port_value` and `address` entries are touched, so that
 * what runs in the demo is what users copy. Throws when the template uses a port that is not in EXAMPLE_PORTS, or lacks one.
 */
export function renderEnvoyConfig(template: string, ports: EnvoyPorts): string {
  const document = parseDocument(template)
  const [problem] = document.errors
  if (problem !== undefined) throw new Error(`the Envoy configuration is not YAML: ${problem.message}`)
  const replaced = new Set<string>()
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || !isScalar(value)) return
      if (key.value === 'port_value') {
        const [role, port] = newPort(value.value, ports)
        replaced.add(role)
        value.value = port
        // The number as it was written would win otherwise.
        delete value.source
      }
      if (key.value === 'address' && (value.value === '0.0.0.0' || value.value === '::')) value.value = '127.0.0.1'
    },
  })
  if (!replaced.has('authz') && !replaced.has('answers'))
    throw new Error(`the Envoy configuration has no authz (port ${EXAMPLE_PORTS.authz} or ${EXAMPLE_PORTS.answers})`)
  for (const role of REQUIRED) {
    if (!replaced.has(role)) throw new Error(`the Envoy configuration has no ${role} (port ${EXAMPLE_PORTS[role]})`)
  }
  return document.toString({ lineWidth: 0 })
}

/** The port of the admin interface, which says when Envoy is ready. */
export function adminPortOf(config: string): number {
  const port = parseDocument(config).getIn(['admin', 'address', 'socket_address', 'port_value'])
  if (typeof port !== 'number') throw new Error('the Envoy configuration has no admin port')
  return port
}

function newPort(written: unknown, ports: EnvoyPorts): readonly [role: string, port: number] {
  switch (written) {
    case EXAMPLE_PORTS.listener:
      return ['listener', ports.listener]
    case EXAMPLE_PORTS.upstream:
      return ['upstream', ports.upstream]
    case EXAMPLE_PORTS.authz:
      return ['authz', ports.authz]
    case EXAMPLE_PORTS.admin:
      return ['admin', ports.admin]
    case EXAMPLE_PORTS.http:
      if (ports.http !== undefined) return ['http', ports.http]
      throw new Error(`the Envoy configuration uses port ${EXAMPLE_PORTS.http}: say which one to use instead`)
    case EXAMPLE_PORTS.answers:
      if (ports.answers !== undefined) return ['answers', ports.answers]
      throw new Error(`the Envoy configuration uses port ${EXAMPLE_PORTS.answers}: say which one to use instead`)
    default:
      throw new Error(`the Envoy configuration uses a port that nobody knows here: ${String(written)}`)
  }
}
