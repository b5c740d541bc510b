import { limitFindings } from '../documents/finding-list.js'
import type { SourceDocument } from '../documents/source-document.js'
import { didYouMean } from '../documents/validate.js'
import {
  type AuthenticationConfiguration,
  readAuthenticationConfiguration,
} from '../identity/authentication-configuration.js'
import { type IdentityDocument, readIdentityDocument } from '../identity/identity-document.js'
import { parseRbac } from '../rbac/parse-rbac.js'
import type { RbacObject } from '../rbac/rbac-objects.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import { compileToolCatalog } from '../rbac/tool-catalog-document.js'
import type { Compilation } from './compilation.js'
import { policyApiVersion, policyKinds } from './document-schema.js'
import { compileEnrichment, type Enrichment } from './enrichment.js'
import { compileGrant, type Grant } from './grant.js'
import { compileGuardrail, type Guardrail } from './guardrail.js'
import { lintDocument } from './lint-document.js'
import { compileResultGuardrail, isAboutResults, type ResultGuardrail } from './result-guardrail.js'
import { compileServer, type ServerDraft } from './server-document.js'

export type CompiledDocument =
  | { readonly kind: 'Server'; readonly draft: ServerDraft }
  | { readonly kind: 'ToolCatalog'; readonly catalog: ToolCatalog }
  | { readonly kind: 'Identity'; readonly identity: IdentityDocument }
  | { readonly kind: 'AuthenticationConfiguration'; readonly configuration: AuthenticationConfiguration }
  | { readonly kind: 'Rbac'; readonly objects: readonly RbacObject[] }
  | { readonly kind: 'Grant'; readonly grant: Grant }
  | { readonly kind: 'Guardrail'; readonly guardrail: Guardrail }
  | { readonly kind: 'ResultGuardrail'; readonly guardrail: ResultGuardrail }
  | { readonly kind: 'Enrichment'; readonly enrichment: Enrichment }

export interface CompileOptions {
  /** Accept http issuers on loopback addresses. Default false. */
  readonly insecureLoopbackIssuers?: boolean
  /** A listener of this configuration adds texts to results. Default false. */
  readonly seesAnswers?: boolean
  /**
   * Whether a listener of this configuration can keep Guardrails about results; undefined: nobody knows the configuration.
   * If none can, those that enforce do not compile.
   */
  readonly guardsResults?: boolean | undefined
  /** Warn of expressions that most likely do not do what was meant. For authors; default false. */
  readonly lint?: boolean
}

const foreignKinds: ReadonlyMap<string, string> = new Map([
  ['AuthenticationConfiguration', 'apiserver.config.k8s.io/v1'],
  ['Role', 'rbac.authorization.k8s.io/v1'],
  ['ClusterRole', 'rbac.authorization.k8s.io/v1'],
  ['RoleBinding', 'rbac.authorization.k8s.io/v1'],
  ['ClusterRoleBinding', 'rbac.authorization.k8s.io/v1'],
  ['List', 'v1'],
])
const allKinds: readonly string[] = [...policyKinds, ...foreignKinds.keys()]

/** Whether documents of this kind are read at all. */
export function isKnownKind(kind: string): boolean {
  return allKinds.includes(kind)
}

/** Compiles one document by its kind. Whatever is not a kind of ours or of Kubernetes that we read is an error. */
export function compileDocument(document: SourceDocument, options: CompileOptions): Compilation<CompiledDocument> {
  const expected = foreignKinds.get(document.kind) ?? policyApiVersion
  if (document.kind === 'ConfigMap') {
    const message = 'a ConfigMap is what policies come in on a cluster; a directory holds the policies themselves'
    const hint =
      'put what stands under its data into files of their own, or apply it and name its namespace in spec.sources[].configMaps'
    return failed(document, 'kind', message, hint)
  }
  if (document.kind === 'PolicyTest') {
    const hint = 'put tests into files of their own, named *_test.yaml; `mcp-authz test` runs them'
    return failed(document, 'kind', 'a test of policies is no policy', hint)
  }
  if (!isKnownKind(document.kind)) {
    const near = didYouMean(document.kind, allKinds)
    const hint = near === undefined ? `one of: ${allKinds.join(', ')}` : `did you mean "${near}"?`
    return failed(document, 'kind', `"${document.kind}" is not a kind that mcp-authz reads`, hint)
  }
  if (document.apiVersion !== expected) {
    return failed(
      document,
      'apiVersion',
      `"${document.apiVersion}" is not an API version of ${document.kind} that mcp-authz reads`,
      `write ${expected}`,
    )
  }
  const { value, findings } = compileKind(document, options)
  const all = options.lint === true ? [...findings, ...lintDocument(document)] : findings
  return { value, findings: limitFindings(all) }
}

function compileKind(document: SourceDocument, options: CompileOptions): Compilation<CompiledDocument> {
  switch (document.kind) {
    case 'Server':
      return map(compileServer(document), draft => ({ kind: 'Server', draft }))
    case 'ToolCatalog':
      return map(compileToolCatalog(document), catalog => ({ kind: 'ToolCatalog', catalog }))
    case 'Identity':
      return map(readIdentityDocument(document, options), identity => ({ kind: 'Identity', identity }))
    case 'AuthenticationConfiguration':
      return map(readAuthenticationConfiguration(document, options), configuration => ({
        kind: 'AuthenticationConfiguration',
        configuration,
      }))
    case 'Grant':
      return map(compileGrant(document), grant => ({ kind: 'Grant', grant }))
    case 'Guardrail':
      if (isAboutResults(document)) {
        return map(compileResultGuardrail(document, options), guardrail => ({ kind: 'ResultGuardrail', guardrail }))
      }
      return map(compileGuardrail(document), guardrail => ({ kind: 'Guardrail', guardrail }))
    case 'Enrichment':
      return map(compileEnrichment(document, options), enrichment => ({ kind: 'Enrichment', enrichment }))
    default:
      return map(parseRbac(document), objects => ({ kind: 'Rbac', objects }))
  }
}

function map<T>(compilation: Compilation<T>, wrap: (value: T) => CompiledDocument): Compilation<CompiledDocument> {
  const { value, findings } = compilation
  return { value: value === undefined ? undefined : wrap(value), findings }
}

function failed(
  document: SourceDocument,
  field: 'kind' | 'apiVersion',
  message: string,
  hint: string,
): Compilation<CompiledDocument> {
  return { value: undefined, findings: [document.finding('error', [field], message, { hint })] }
}
