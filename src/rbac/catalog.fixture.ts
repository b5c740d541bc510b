import { readFileSync } from 'node:fs'
import { readDocuments } from '../documents/read-documents.js'
import type { JsonValue } from '../protocol/json-value.js'
import type { Operation } from './operation.js'
import type { ServerKubernetes, ToolCatalog } from './tool-catalog.js'
import { compileToolCatalog } from './tool-catalog-document.js'

/** Arguments of a call as tests write them; whole numbers are bigint, as the parser reads them. */
export type Args = Record<string, unknown>

/** A shipped catalogue, compiled. Throws if it does not compile. */
export function shippedCatalog(name: string): ToolCatalog {
  const file = new URL(`../../policies/catalogs/${name}.yaml`, import.meta.url)
  const { documents, findings } = readDocuments(name, readFileSync(file, 'utf8'))
  const [document] = documents
  if (document === undefined || findings.length > 0) throw new Error(JSON.stringify(findings))
  const compiled = compileToolCatalog(document)
  if (compiled.value === undefined || compiled.findings.length > 0) throw new Error(JSON.stringify(compiled.findings))
  return compiled.value
}

/** A Server that knows its namespace and one more cluster. */
export const server: ServerKubernetes = {
  cluster: 'local',
  defaultNamespace: 'home',
  contexts: new Map([['ctx-b', 'west']]),
}

/** A Server that says nothing about either. */
export const strict: ServerKubernetes = { cluster: 'local', defaultNamespace: undefined, contexts: new Map() }

export function json(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint')
    return value
  if (typeof value === 'number') return value
  if (Array.isArray(value)) return value.map(json)
  return new Map(Object.entries(Object(value)).map(([key, item]) => [key, json(item)]))
}

/** `verb group/resource[/subresource] namespace|all|cluster name|-` */
export function brief(operation: Operation): string {
  const { verb, group, resource, subresource, namespace, name, clusterScoped } = operation
  const where = clusterScoped ? 'cluster' : namespace || 'all'
  return `${verb} ${group}/${resource}${subresource && `/${subresource}`} ${where} ${name || '-'}`
}

/** Calls of a catalogue's tools and prompts. */
export function caller(catalog: ToolCatalog) {
  const call = (tool: string, args: Args, where = server) => {
    const found = catalog.tools.get(tool) ?? catalog.prompts.get(tool)
    if (found === undefined) throw new Error(`no ${tool}`)
    return found.resolve(new Map(Object.entries(args).map(([key, value]) => [key, json(value)])), where)
  }
  /** The operations in brief, or the reason why there are none. */
  const operations = (tool: string, args: Args, where = server) => {
    const resolved = call(tool, args, where)
    return resolved.ok ? resolved.operations.map(brief) : resolved.reason
  }
  return { call, operations }
}
