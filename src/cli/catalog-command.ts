import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareCatalog } from '../catalog-import/compare-catalog.js'
import { draftCatalog } from '../catalog-import/draft-catalog.js'
import { foreignText, printableJson } from '../catalog-import/foreign-text.js'
import { listPublished } from '../catalog-import/list-published.js'
import type { Published } from '../catalog-import/published.js'
import { formatFinding } from '../documents/format-finding.js'
import { readDocuments } from '../documents/read-documents.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import { compileToolCatalog } from '../rbac/tool-catalog-document.js'
import { shippedCatalogs } from '../service.js'
import { endpointOf, shownUrl } from './catalog-endpoint.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz catalog import URL [-o FILE] [--name NAME]
       mcp-authz catalog diff URL --catalog FILE|NAME [--allow-missing] [--output text|json]

import  drafts a ToolCatalog from what a live MCP server lists. Each entry is pinned by a digest and refused until somebody
        has reviewed it. Nothing that the server says of itself makes an entry more permissive.
diff    compares what a live server lists with a catalogue: what is new, gone, or no longer what was pinned.

  -o, --out FILE        write the draft there; an existing file is not touched (default: standard output)
  --name NAME           metadata.name of the draft (default: what the server calls itself)
  --catalog FILE|NAME   a file with a ToolCatalog, or the name of a shipped one
  --allow-missing       of diff: what the server does not list is no difference (toolsets that are off, tools that this
                        caller may not see)
  --output FORMAT       of diff: text (default) or json
  --token-file FILE     a bearer token for the server, "-" for standard input
  --header-file FILE    further headers, one "Name: value" per line
  --ca-file FILE        certificates (PEM) to trust in place of the system's
  --insecure-http       allow plain http to other machines

Exit codes: 0 drafted, or no difference; 2 the server and the catalogue differ; 3 the catalogue does not compile;
1 anything else.

Examples:
  mcp-authz catalog import https://mcp.example.com/mcp --token-file token -o policies/files.yaml
  mcp-authz catalog diff http://127.0.0.1:8080/mcp --catalog kubernetes-mcp-server --allow-missing`

export const catalogCommand: Command = {
  name: 'catalog',
  summary: 'draft a tool catalogue from a live server, and tell when the server has changed',
  help,
  run: catalog,
}

const connection = {
  'token-file': { type: 'string' },
  'header-file': { type: 'string' },
  'ca-file': { type: 'string' },
  'insecure-http': { type: 'boolean' },
} as const

async function catalog(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [action, ...rest] = args
  if (action === 'import') return importCatalog(rest, io)
  if (action === 'diff') return diffCatalog(rest, io)
  throw new UsageError('say what to do: catalog import, or catalog diff')
}

async function importCatalog(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    ...connection,
    out: { type: 'string', short: 'o' },
    name: { type: 'string' },
  })
  const endpoint = endpointOf(onlyUrl(positionals), values)
  const { out } = values
  if (out !== undefined && existsSync(out)) throw new UsageError(`${out} exists; a reviewed catalogue is not replaced`)
  const published = await listOrThrow(endpoint, io)
  if (published.tools.length + published.prompts.length === 0)
    throw new Error('the server lists neither tools nor prompts')
  const name = values.name ?? nameOf(published)
  const draft = draftCatalog(published, name, shownUrl(endpoint))
  for (const one of draft.left) io.err(`left out, as no call may name it: ${JSON.stringify(foreignText(one, 128))}`)
  if (shipped(name) !== undefined) {
    io.err(
      `a catalogue "${name}" is shipped, and this one would take its place; choose another --name, or see catalog diff`,
    )
  }
  if (out === undefined) io.out(draft.text.trimEnd())
  else {
    writeFileSync(out, draft.text, { flag: 'wx' })
    io.err(`${out}: ${counts(published)}, each refused until it is reviewed`)
  }
  const { findings } = compileText(out ?? 'draft', draft.text)
  for (const finding of findings) io.err(formatFinding(finding))
  return findings.some(({ severity }) => severity === 'error') ? 3 : 0
}

async function diffCatalog(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    ...connection,
    catalog: { type: 'string' },
    'allow-missing': { type: 'boolean' },
    output: { type: 'string', default: 'text' },
  })
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  if (values.catalog === undefined) throw new UsageError('say which catalogue with --catalog')
  const endpoint = endpointOf(onlyUrl(positionals), values)
  const file = existsSync(values.catalog) ? values.catalog : shipped(values.catalog)
  if (file === undefined)
    throw new UsageError(`there is no file ${values.catalog} and no shipped catalogue of this name`)
  const { value, findings } = compileText(file, readFileSync(file, 'utf8'))
  if (value === undefined) {
    for (const finding of findings) io.err(formatFinding(finding))
    return 3
  }
  const published = await listOrThrow(endpoint, io)
  const compared = compareCatalog(value, published)
  const drift = compared.drift.filter(({ kind }) => kind !== 'gone' || values['allow-missing'] !== true)
  if (values.output === 'json') io.out(printableJson({ catalog: value.name, drift, unpinned: compared.unpinned }))
  else {
    for (const { message } of drift) io.out(message)
    io.out(`${counts(published)}: ${count(drift.length, 'difference')}, ${compared.unpinned} not pinned`)
  }
  return drift.length > 0 ? 2 : 0
}

function onlyUrl(positionals: readonly string[]): string {
  const [url, ...others] = positionals
  if (url === undefined || others.length > 0) throw new UsageError('give the URL of one MCP endpoint')
  return url
}

async function listOrThrow(endpoint: ReturnType<typeof endpointOf>, io: CommandIo): Promise<Published> {
  const listed = await listPublished(endpoint, {}, io.signal)
  if (!listed.ok) throw new Error(`${shownUrl(endpoint)}: ${listed.message}`)
  return listed.published
}

/** A name that a document may have, from what the server calls itself. */
function nameOf({ server = '' }: Published): string {
  const name = server
    .slice(0, 200)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 60)
    .replace(/-$/, '')
  return name === '' ? 'imported' : name
}

function shipped(name: string): string | undefined {
  if (!/^[a-z0-9][-a-z0-9]*$/.test(name)) return undefined
  const file = join(shippedCatalogs, `${name}.yaml`)
  return existsSync(file) ? file : undefined
}

function compileText(file: string, text: string) {
  const { documents, findings } = readDocuments(file, text)
  const [document, ...others] = documents
  if (document === undefined || findings.length > 0) return { value: undefined, findings }
  if (others.length > 0) throw new UsageError(`${file} holds more than one document`)
  const compiled: { readonly value: ToolCatalog | undefined; readonly findings: typeof findings } =
    compileToolCatalog(document)
  return compiled
}

function counts({ tools, prompts }: Published): string {
  return `${count(tools.length, 'tool')}, ${count(prompts.length, 'prompt')}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
