import type { ConfigNode } from './config-node.js'
import type { EnvoyResources } from './envoy-resources.js'
import type { Findings } from './findings.js'

/** What every check may look at. */
export interface CheckContext {
  readonly findings: Findings
  readonly resources: EnvoyResources
  readonly roots: readonly ConfigNode[]
  /** Largest question that mcp-authz reads, in bytes. */
  readonly maxMessageBytes: number
  /** Names of the Server documents, with and without namespace; undefined when no policies were given. */
  readonly servers: ReadonlySet<string> | undefined
  /** Whether mcp-authz has a listener with door ext-proc that decides about requests; undefined when it is not known. */
  readonly judgesRequests: boolean | undefined
}

export interface Guards {
  readonly extAuthz: ReadonlySet<string>
  /** The ext_proc filters that ask mcp-authz. */
  readonly extProc: ReadonlySet<string>
  /** ext_proc decides about requests, because there is no ext_authz. */
  readonly alone: boolean
  /** The Server that the ext_proc filter names for every route. */
  readonly processorServer: string | undefined
  readonly bodySizeLimit: ReadonlySet<string>
  /** Filters that run once the request was judged. */
  readonly after: ReadonlySet<string>
}

/** What is in force on the routes of one connection manager. */
export interface RouteContext extends CheckContext {
  /** Names in http_filters, by which settings of routes are looked up; undefined for routes that no one here uses. */
  readonly guards: Guards | undefined
  /** Whether the chain ends in something else than the router, so that every route can reach a server. */
  readonly everyRouteLeadsOn: boolean
  /** Of the body_size_limit filter, in bytes. */
  readonly bodySizeLimit: number | undefined
  /** Seconds; 0 is for ever. */
  readonly streamIdleTimeout: number
}
