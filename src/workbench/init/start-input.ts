import type { JsonObject } from '../../protocol/json-value.js'
import type { Endpoint } from '../envoy-configuration.js'

/** A tool or prompt as a server lists it; all of it is the server's word only. */
export interface Offer {
  readonly name: string
  readonly definition: JsonObject
}

export interface Upstream extends Endpoint {
  /** Whether Envoy has to speak TLS to it. */
  readonly tls: boolean
}

/** What somebody who looked at the server found. */
export interface ReviewedCatalog {
  /** As in `Server.spec.catalog`. */
  readonly name: string
  /** What speaks against each tool for which something does. */
  readonly objections: ReadonlyMap<string, string>
}

/** What is known of the place where an MCP server is to be guarded. */
export interface StartInput {
  /** Of the Server document, a DNS label; the tests are named like it. */
  readonly name: string
  /** Of the catalogue. */
  readonly catalogName: string
  /** URL that clients use, which ends up at Envoy. */
  readonly resource: string
  /** The path of `resource`, which is that of the server too: Envoy rewrites no paths. */
  readonly path: string
  readonly issuer: string
  readonly audience: string
  /** Claims that name people and their groups. */
  readonly claims: { readonly username: string; readonly groups: string }
  /** Who may call what only reads. Empty: everybody who signs in. */
  readonly groups: readonly string[]
  /** Where Envoy listens. */
  readonly listen: Endpoint
  /** Where mcp-authz answers Envoy, and where it tells how it is. */
  readonly authz: Endpoint
  readonly http: Endpoint
  /** The MCP server; undefined where nobody has said. */
  readonly upstream: Upstream | undefined
  /** Whether the server wanted a token before it listed anything. */
  readonly serverAsksForToken: boolean
  readonly tools: readonly Offer[]
  /** A ToolCatalog drafted from all of it, every entry refused (`catalog import`). */
  readonly catalog: string
  /** A shipped catalogue that has most of these tools. */
  readonly reviewed: ReviewedCatalog | undefined
  /** Where the lists came from, for people. */
  readonly source: string
  /** Text of envoy/ext-authz.yaml. */
  readonly envoyExample: string
}
