import type { ClusterConnection } from '../kube/cluster-connection.js'
import type { GatewayProfile, ListenerTrust } from '../protocol/inbound-request.js'
import type { ConfigSpec, sourceKinds } from './config-document.js'
import type { ArgumentStep } from './parse-argument-path.js'

export type ConfigSource = ConfigDirectory | ConfigConfigMaps

export interface ConfigDirectory {
  readonly from: 'directory'
  /** Absolute. */
  readonly directory: string
  /** undefined = all. */
  readonly kinds: readonly (typeof sourceKinds)[number][] | undefined
}

export interface ConfigConfigMaps {
  readonly from: 'configMaps'
  readonly cluster: string
  readonly namespace: string
  readonly selector: string
  /** Name of the ConfigMap that says the state of each document; undefined for none. */
  readonly status: string | undefined
  readonly events: boolean
  readonly kinds: readonly (typeof sourceKinds)[number][]
}

export interface ConfigShadow {
  readonly sources: readonly ConfigSource[]
  /** Share of the decisions that are judged again, from 0 to 1. */
  readonly sample: number
}

export interface ConfigCluster {
  readonly authorizer: 'files' | 'sar' | 'watch'
  readonly rbacOnly: boolean
  /** undefined: nothing asks the API server. */
  readonly connection: ClusterConnection | undefined
  readonly timeoutMs: number
  readonly maxInFlight: number
  /** For answers of access reviews; of all processes together, but in what a worker gets. */
  readonly cacheBytes: number
}

export interface ConfigListener {
  readonly name: string
  readonly door: 'ext-authz' | 'ext-proc' | 'ext-mcp' | 'authzen'
  /** For door ext-proc: there is no ext_authz beside it. */
  readonly judgesRequests: boolean
  readonly profile: GatewayProfile
  readonly trust: ListenerTrust
  readonly address:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string }
  readonly tls?: {
    readonly cert: string
    readonly key: string
    readonly clientCA?: string
    readonly allowedSANs?: readonly string[]
  }
  readonly maxMessageBytes: number
  /** For door ext-authz. */
  readonly gatewayBodyBytes?: number
  /** For door ext-proc. */
  readonly answerWithinMs?: number
  readonly transport: 'grpc-js' | 'native'
  readonly maxConcurrentStreams: number
  readonly maxInFlight: number
  readonly maxConnectionAgeMs?: number
  /** For door authzen. */
  readonly authzen?: {
    readonly tokenFile?: string
    readonly identifier?: string
    readonly server?: string
    readonly subjectClaim?: string
    readonly maxEvaluations?: number
  }
}

export interface ConfigAdmin {
  readonly host: string
  readonly port: number
  /** Names by which it may be called, besides the loopback ones. */
  readonly hosts: readonly string[]
  readonly tokenFile?: string
  readonly tls?: NonNullable<ConfigListener['tls']>
  /** How many are kept. */
  readonly recentDecisions: number
}

export interface ConfigSigning {
  readonly issuer: string
  readonly keys: readonly { readonly file: string; readonly optional: boolean }[]
  readonly leadMs: number
  readonly contextTokenSeconds: number
  readonly accessTokenSeconds: number
}

export interface ConfigTokenExchange {
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientAuthentication:
    | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secretFile: string }
    | { readonly method: 'private_key_jwt'; readonly keyFile: string }
    | { readonly method: 'none' }
  /** Path of a PEM file. */
  readonly certificateAuthority: string | undefined
  readonly timeoutMs: number
  readonly maxInFlight: number
}

export interface ConfigRecordsInKubernetes {
  readonly cluster: string
  /** To the API server, beside that over which decisions are made. */
  readonly connection: ClusterConnection
  readonly namespace: string
  readonly events: 'none' | 'denials' | 'all'
  readonly invocations: 'none' | 'denials' | 'all'
  readonly retentionMs: number
  readonly maxObjects: number
}

/** The configuration with every default filled in, every path absolute, and nothing left to check. */
export interface Config {
  /** Processes that decide; auto: as many as there are cores. */
  readonly workers: number | 'auto'
  readonly sources: readonly ConfigSource[]
  /** undefined: no policies are tried beside those in force. */
  readonly shadow: ConfigShadow | undefined
  readonly listeners: readonly ConfigListener[]
  readonly http: { readonly host: string; readonly port: number }
  /** undefined: there is no admin listener. */
  readonly admin: ConfigAdmin | undefined
  /** By name. */
  readonly clusters: ReadonlyMap<string, ConfigCluster>
  readonly startup: ConfigSpec['startup']
  readonly shutdown: { readonly delayMs: number; readonly drainMs: number }
  /** memoryBytes undefined: what defaultMemoryBytes says. */
  readonly overload: { readonly maxTurnMs: number; readonly memoryBytes: number | undefined }
  readonly decisionLog: {
    readonly stdout: boolean
    readonly file: string | undefined
    readonly maxBufferedBytes: number
    /** undefined: the file grows. */
    readonly rotate: { readonly maxBytes: number; readonly files: number } | undefined
    readonly chain: boolean
    readonly chainKeyFile: string | undefined
    /** undefined: no cluster is told of decisions. */
    readonly kubernetes: ConfigRecordsInKubernetes | undefined
    readonly arguments: {
      readonly mode: 'none' | 'paths' | 'all'
      readonly paths: readonly (readonly ArgumentStep[])[]
      /** What they match is not recorded. */
      readonly patterns: readonly string[]
      readonly maxBytes: number
    }
  }
  readonly identity: ConfigSpec['identity']
  readonly signing: ConfigSigning | undefined
  /** By name. */
  readonly tokenExchange: ReadonlyMap<string, ConfigTokenExchange>
  /** Paths of the keys that bind sessions, the one that tags first; empty: sessions are not bound. */
  readonly sessionKeys: readonly string[]
  readonly log: ConfigSpec['log']
  /** As users write it, defaults filled in. For people to read; everything else of this is what counts. */
  readonly spec: ConfigSpec
}
