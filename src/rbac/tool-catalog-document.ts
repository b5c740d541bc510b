import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import { argumentTypes } from './argument-types.js'
import {
  type CatalogSpec,
  type ConditionSpec,
  catalogSchema,
  type OperationSpec,
  type ToolSpec,
} from './catalog-schema.js'
import { compileTool } from './compile-tool.js'
import { compileInputSchema, type InputSchema } from './input-schema.js'
import { createKinds, type Kinds, type KnownKind, parseApiVersion } from './kinds.js'
import type { CatalogTool, ToolCatalog } from './tool-catalog.js'
import { compileUnknownAnswers } from './unknown-answers.js'

export interface CompiledToolCatalog {
  /** undefined with at least one error among the findings. */
  readonly value: ToolCatalog | undefined
  readonly findings: readonly Finding[]
}

type Report = (path: readonly PathSegment[], message: string, hint?: string) => void

/** Compiles `kind: ToolCatalog`. Whatever could be meant in two ways is an error at its place. */
export function compileToolCatalog(document: SourceDocument): CompiledToolCatalog {
  const valid = validate(document, catalogSchema)
  if (!valid.ok) return { value: undefined, findings: valid.findings }
  const { metadata, spec } = valid.value
  const findings: Finding[] = []
  const report: Report = (path, message, hint) => {
    findings.push(document.finding('error', path, message, hint === undefined ? {} : { hint }))
  }
  const kinds = compileKinds(spec, report)
  const compileAll = (group: 'tools' | 'prompts'): ReadonlyMap<string, CatalogTool> => {
    const compiled = new Map<string, CatalogTool>()
    for (const [name, tool] of Object.entries(spec[group])) {
      const path = ['spec', group, name]
      checkTool(tool, kinds, path, report)
      const clusterArgument = (tool.cluster ?? spec.cluster)?.argument
      const types = argumentTypes(tool, clusterArgument)
      if (!types.ok) report(path, `the argument "${types.argument}" is used with two different types`)
      else {
        const inputSchema = readInputSchema(tool, path, report)
        compiled.set(name, compileTool({ name, spec: tool, kinds, clusterArgument, uses: types.uses, inputSchema }))
      }
    }
    return compiled
  }
  const tools = compileAll('tools')
  const prompts = compileAll('prompts')
  if (tools.size + prompts.size === 0) report(['spec'], 'the catalogue has neither tools nor prompts')
  const notFound = spec.notFound && compileUnknownAnswers(spec.notFound, document, ['spec', 'notFound'])
  findings.push(...(notFound?.findings ?? []))
  const value = { name: metadata.name, tools, prompts, notFound: notFound?.value }
  return { value: findings.length > 0 ? undefined : value, findings }
}

function readInputSchema(tool: ToolSpec, path: readonly PathSegment[], report: Report): InputSchema | undefined {
  if (tool.inputSchema === undefined) return undefined
  const compiled = compileInputSchema(tool.inputSchema)
  if (compiled.ok) return compiled.schema
  report([...path, 'inputSchema'], compiled.message, 'copy the inputSchema of the tool as tools/list shows it')
  return undefined
}

function compileKinds(spec: CatalogSpec, report: Report): Kinds {
  const keyOf = ({ apiVersion, kind }: Pick<KnownKind, 'apiVersion' | 'kind'>) => `${apiVersion} ${kind}`
  const seen = new Set(createKinds().all.map(keyOf))
  const added: KnownKind[] = []
  for (const [index, kind] of (spec.kinds ?? []).entries()) {
    const path = ['spec', 'kinds', index]
    const parsed = parseApiVersion(kind.apiVersion)
    if (parsed === undefined) {
      report([...path, 'apiVersion'], 'not an apiVersion', 'write it like example.com/v1')
      continue
    }
    if (seen.has(keyOf(kind))) report(path, 'this kind is known already', 'remove it')
    seen.add(keyOf(kind))
    added.push({ ...kind, ...parsed, custom: true })
  }
  return createKinds(added)
}

function checkTool(tool: ToolSpec, kinds: Kinds, path: readonly PathSegment[], report: Report): void {
  if (tool.operations === undefined && tool.refuse === undefined) {
    report(path, 'says nothing about what it does', 'write operations, operations: none, or refuse')
  }
  if (!Array.isArray(tool.operations)) return
  for (const [index, operation] of tool.operations.entries()) {
    const at = [...path, 'operations', index]
    checkTarget(operation, kinds, at, report)
    const { when } = operation
    if (Array.isArray(when)) {
      for (const [place, condition] of when.entries()) checkCondition(condition, [...at, 'when', place], report)
    } else if (when !== undefined) checkCondition(when, [...at, 'when'], report)
  }
}

function checkTarget(operation: OperationSpec, kinds: Kinds, at: readonly PathSegment[], report: Report): void {
  const { verb, verbs, group, version, resource, subresource, gvk, manifest, namespace, name } = operation
  if ((verb === undefined) === (verbs === undefined)) report(at, 'needs one of verb and verbs')
  if ([resource, gvk, manifest].filter(target => target !== undefined).length !== 1) {
    report(at, 'needs exactly one of resource, gvk and manifest')
    return
  }
  if (resource === undefined && (group !== undefined || version !== undefined)) {
    report(at, 'group and version go with resource only')
  }
  if (operation.escalation !== undefined && manifest === undefined) report(at, 'escalation goes with manifest only')
  if (manifest !== undefined) {
    if ([subresource, namespace, name].some(field => field !== undefined)) {
      report(at, 'a manifest names its objects itself', 'remove subresource, namespace and name')
    }
    return
  }
  if (namespace === undefined) {
    report(at, 'does not say in which namespace', 'write namespace: { argument: … }, all, or cluster')
    return
  }
  if (typeof namespace === 'object' && namespace.required === true && namespace.default !== undefined) {
    report([...at, 'namespace'], 'what is required needs no default')
  }
  if (gvk !== undefined && namespace === 'cluster') {
    report(
      [...at, 'namespace'],
      'the caller chooses the kind, which may have namespaces',
      'write namespace: { argument: … }',
    )
  }
  const known = resource === undefined ? undefined : kinds.ofResource(group ?? '', resource)
  if (known !== undefined && known.namespaced === (namespace === 'cluster')) {
    const scope = known.namespaced ? 'has namespaces' : 'is cluster-scoped'
    report([...at, 'namespace'], `the resource ${known.resource} ${scope}`)
  }
}

function checkCondition(condition: ConditionSpec, at: readonly PathSegment[], report: Report): void {
  const { present, equals, notEquals, greaterThan } = condition
  if ([present, equals, notEquals, greaterThan].filter(test => test !== undefined).length !== 1) {
    report(at, 'needs exactly one of present, equals, notEquals and greaterThan')
  }
}
