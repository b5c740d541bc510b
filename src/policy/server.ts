import type { AcceptedAudience } from '../identity/authenticator.js'
import type { LegacySse } from '../protocol/mcp/legacy-sse.js'
import type { MetaTool } from '../protocol/mcp/meta-tool.js'
import type { McpMethod } from '../protocol/mcp/method-table.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { ServerKubernetes, ToolCatalog } from '../rbac/tool-catalog.js'

export type Requirement = 'operations' | 'tools' | 'grants'
export type PrincipalRole = 'user' | 'agent'
export type Mode = 'Enforce' | 'Audit'
/** From the mildest to the strictest: of several that apply, the strictest wins. */
export const denialModes = ['toolError', 'jsonrpcError', 'http403', 'hide'] as const
export type DenialMode = (typeof denialModes)[number]

/** What the server behind gets of the caller's authority. */
export interface UpstreamSettings {
  /** strip: nothing. passthrough: the caller's token. mint: one of ours. exchange: one of the identity provider. */
  readonly authorization: 'strip' | 'passthrough' | 'mint' | 'exchange'
  readonly identity: 'headers' | 'impersonation' | 'none'
  /** What tokens for the server name in `aud`. */
  readonly audience: string
  readonly contextToken: boolean
  /** Set for `exchange`. */
  readonly exchange:
    | {
        /** Name in `tokenExchange` of the Config. */
        readonly with: string
        readonly audience: string
        readonly audiences: readonly string[]
        readonly resource: string | undefined
        readonly scopes: readonly string[]
      }
    | undefined
  readonly impersonation: {
    readonly groups: readonly string[] | undefined
    readonly uid: boolean
    readonly extra: readonly string[]
  }
}

/** Whether the Server hands out authority, so that it may only be handed to a gateway that is known. */
export function needsTrustedGateway({ authorization, identity, contextToken }: UpstreamSettings): boolean {
  return authorization === 'mint' || authorization === 'exchange' || identity === 'impersonation' || contextToken
}

/** How lists of tools, prompts and resources are answered. */
export interface ListSettings {
  /** Whether what a token lacks only scopes for is listed, so that a client can log in for it. */
  readonly missingScopes: 'Hide' | 'Show'
  /** For agents; the first that names the agent counts. Empty: no agent has one. */
  readonly toolBudgets: readonly ToolBudget[]
}

/** How many tools an agent is shown at most. */
export interface ToolBudget {
  /** Of the agent as policies name it, `alias:id`. */
  agent(name: string): boolean
  readonly maxTools: number
  /** Patterns of names without the Server's prefix; what the first ones name is kept before what later ones name. */
  readonly priority: readonly ((tool: string) => boolean)[]
}

/** A protected endpoint, compiled from `kind: Server`. */
export interface Server {
  readonly name: string
  readonly namespace: string
  readonly labels: ReadonlyMap<string, string>
  /** RFC 8707 resource identifier, as written. */
  readonly resource: string
  /** Scheme and authority of the resource, e.g. `https://mcp.example.com`. */
  readonly origin: string
  /** Lower-case host, with the port unless it is the scheme's default. */
  readonly host: string
  readonly path: string
  readonly audience: AcceptedAudience
  readonly protocol: 'mcp' | 'json'
  /** Set where the server speaks HTTP+SSE (2024-11-05); `path` is that of its stream. */
  readonly sse?: LegacySse | undefined
  readonly catalog: ToolCatalog | undefined
  readonly require: readonly Requirement[]
  readonly principals: readonly PrincipalRole[]
  readonly connect: 'authenticated' | 'required'
  readonly kubernetes: ServerKubernetes
  readonly upstream: UpstreamSettings
  /** Names that Enrichments may set beside x-mcp-authz-*; always overwritten or removed. */
  readonly upstreamHeaders: readonly string[]
  readonly methods: ReadonlySet<string>
  /** Extension methods of which `methods` says what they touch. */
  readonly extensions: ReadonlyMap<string, McpMethod>
  readonly toolPrefix: string
  /** Tools whose arguments name the tool that is really called, by un-prefixed name. */
  readonly metaTools: ReadonlyMap<string, MetaTool>
  readonly batches: 'deny' | 'legacy'
  readonly lists: ListSettings
  readonly denial: DenialMode
  readonly mode: Mode
  /** That of `kubernetes.cluster`; virtual resources live there. */
  readonly authorizer: Authorizer
  /** By cluster, for calls that name another one. */
  readonly authorizers: ReadonlyMap<string, Authorizer>
}

export function strictestDenial(modes: readonly DenialMode[]): DenialMode {
  return denialModes[Math.max(0, ...modes.map(mode => denialModes.indexOf(mode)))] ?? 'hide'
}
