import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { methodTable } from '../protocol/mcp/method-table.js'
import { checkUpstream } from './check-upstream.js'
import { pathProblem } from './read-resource.js'
import { requirementsOf, type ServerSpec } from './server-schema.js'

/** What a Server says that cannot be meant, beyond what its schema refuses. `path`: that of its resource. */
export function checkServer(source: SourceDocument, spec: ServerSpec, path: string): readonly Finding[] {
  return [
    ...checkUpstream(source, spec),
    ...checkRequire(source, spec),
    ...checkMethods(source, spec),
    ...checkSse(source, spec, path),
  ]
}

function checkRequire(source: SourceDocument, spec: ServerSpec): Finding[] {
  const findings: Finding[] = []
  const required = requirementsOf(spec)
  if (required.includes('operations') && spec.catalog === undefined) {
    findings.push(
      source.finding('error', ['spec', 'require'], 'operations needs a catalog that says what each tool does', {
        hint: 'add catalog: kubernetes-mcp-server (or your own ToolCatalog), or require tools or grants',
      }),
    )
  }
  return findings
}

function checkMethods(source: SourceDocument, spec: ServerSpec): Finding[] {
  const findings: Finding[] = []
  const described = new Set<string>()
  for (const [index, method] of (spec.methods ?? []).entries()) {
    const at = ['spec', 'methods', index]
    if (typeof method === 'string') continue
    if (described.has(method.name)) findings.push(source.finding('error', [...at, 'name'], 'is described twice'))
    described.add(method.name)
    if (methodTable.has(method.name)) {
      const hint = 'name it alone, if it needs enabling; what it touches is known'
      findings.push(source.finding('error', [...at, 'name'], `${method.name} is a method of MCP itself`, { hint }))
    }
    if ((method.target.kind === 'resource') !== (method.target.field === 'uri')) {
      const hint = `write field: ${method.target.kind === 'resource' ? 'uri' : 'name'}`
      findings.push(source.finding('error', [...at, 'target', 'field'], 'not how such a thing is named', { hint }))
    }
  }
  const seen = new Set<string>()
  for (const [index, meta] of (spec.metaTools ?? []).entries()) {
    const at = ['spec', 'metaTools', index]
    if (seen.has(meta.tool)) findings.push(source.finding('error', [...at, 'tool'], 'is named twice'))
    seen.add(meta.tool)
    if (spec.toolPrefix !== '' && meta.tool.startsWith(spec.toolPrefix)) {
      const hint = `write it without "${spec.toolPrefix}", as the server itself names it`
      findings.push(source.finding('error', [...at, 'tool'], 'has the prefix of toolPrefix', { hint }))
    }
    const names = [meta.name, meta.arguments, ...(meta.otherArguments ?? [])]
    if (new Set(names).size === names.length) continue
    findings.push(source.finding('error', at, 'one argument cannot be two of name, arguments and otherArguments'))
  }
  if (spec.protocol === 'json') {
    if (spec.lists.toolBudget !== undefined || spec.lists.missingScopes !== 'Hide') {
      findings.push(source.finding('error', ['spec', 'lists'], 'lists is about MCP, not json', { hint: 'remove it' }))
    }
    for (const field of ['methods', 'toolPrefix', 'metaTools', 'batches'] as const) {
      if (spec[field] === undefined || spec[field] === '' || spec[field] === 'deny') continue
      findings.push(source.finding('error', ['spec', field], `${field} is about MCP, not json`, { hint: 'remove it' }))
    }
  }
  return findings
}

function checkSse(source: SourceDocument, { sse, protocol }: ServerSpec, stream: string): Finding[] {
  if (sse === undefined) return []
  const path = ['spec', 'sse']
  const findings: Finding[] = []
  if (protocol === 'json') findings.push(source.finding('error', path, 'sse is about MCP, not json'))
  const wrong = pathProblem(sse.messages)
  const hint = 'write the path that the server names to its clients, e.g. /messages'
  if (wrong !== undefined) findings.push(source.finding('error', [...path, 'messages'], wrong, { hint }))
  else if (sse.messages === stream) {
    const same = 'the same path as that of the stream, which is the path of resource'
    findings.push(source.finding('error', [...path, 'messages'], same, { hint }))
  }
  return findings
}
