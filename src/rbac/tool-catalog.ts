import type { JsonObject } from '../protocol/json-value.js'
import type { Sliced } from '../sliced.js'
import type { InputSchema } from './input-schema.js'
import type { KindResolver } from './kind-resolver.js'
import type { Operation } from './operation.js'
import type { PossibleCalls } from './possible-calls.js'
import type { UnknownAnswers } from './unknown-answers.js'

export type ToolAccess = 'read' | 'write' | 'delete' | 'exec' | 'sensitive'

/** One tool as a ToolCatalog describes it, compiled. */
export interface CatalogTool {
  readonly name: string
  readonly access: ToolAccess
  readonly labels: ReadonlyMap<string, string>
  /** Where listed, any other argument denies. */
  readonly arguments: ReadonlySet<string> | undefined
  /** The argument that names a cluster, if there is one. */
  readonly clusterArgument?: string | undefined
  /** Names of arguments that the catalogue speaks of, for the folded-key rule. */
  readonly knownArguments: ReadonlySet<string>
  /** What the server publishes about the arguments, where the catalogue repeats it. */
  readonly inputSchema: InputSchema | undefined
  /** Of the definition that was reviewed (toolDigest); undefined: it was not pinned. */
  readonly digest?: string | undefined
  /** Set when the tool is refused whatever RBAC says; the reason for the caller. */
  readonly refuse: string | undefined
  /** True for `operations: none` of a tool that is not refused: it touches nothing that RBAC knows. */
  readonly noOperations: boolean
  /** What the call amounts to. Pure; never throws. */
  resolve(args: JsonObject, server: ServerKubernetes): ResolvedTool
  /** What {@link resolve} can come to for any arguments. Worked out once per Server. */
  possible(server: ServerKubernetes): PossibleCalls
  /** Works the same out some of it at a time, so that {@link possible} knows it then. */
  explore(server: ServerKubernetes): Sliced<PossibleCalls>
}

/** What a Server means by arguments that are left out. */
export interface ServerKubernetes {
  readonly cluster: string
  /** undefined: an omitted namespace denies. */
  readonly defaultNamespace: string | undefined
  /** The cluster that each value of the cluster argument means; any other value denies. */
  readonly contexts: ReadonlyMap<string, string>
  /** What is known of the kinds of clusters, by the cluster's name; of others, the catalogue's kinds are all. */
  readonly kinds?: ReadonlyMap<string, KindResolver>
}

export type CatalogReason =
  | 'authorization.argument'
  | 'authorization.namespace'
  | 'authorization.kind_unknown'
  | 'authorization.cluster_unknown'
  | 'authorization.manifest_refused'
  | 'message.manifest'

export type ResolvedTool =
  | {
      readonly ok: true
      readonly cluster: string
      readonly operations: readonly Operation[]
      /** Every image that the call would set; undefined when it cannot be known. */
      readonly images: readonly string[] | undefined
      /** Every replica count that the call would set; undefined when it cannot be known. */
      readonly replicas: readonly bigint[] | undefined
    }
  | { readonly ok: false; readonly reason: CatalogReason; readonly message: string; readonly hint: string | undefined }

export interface ToolCatalog {
  readonly name: string
  readonly tools: ReadonlyMap<string, CatalogTool>
  readonly prompts: ReadonlyMap<string, CatalogTool>
  /** undefined: nobody recorded what the server says of a name that it does not have. */
  readonly notFound?: UnknownAnswers | undefined
}
