import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { draftCatalog } from '../catalog-import/draft-catalog.js'
import type { Endpoint } from '../catalog-import/endpoint.js'
import { foreignText } from '../catalog-import/foreign-text.js'
import { listPublished } from '../catalog-import/list-published.js'
import type { Published } from '../catalog-import/published.js'
import { readDocuments } from '../documents/read-documents.js'
import { packageRoot } from '../package-root.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import { compileToolCatalog } from '../rbac/tool-catalog-document.js'
import { shippedCatalogs } from '../service.js'
import { type DraftedFile, type DraftedStart, draftStart } from '../workbench/init/draft-start.js'
import { findReviewed } from '../workbench/init/find-reviewed.js'
import { readToolsFile } from '../workbench/init/read-tools-file.js'
import { endpointOf, shownUrl } from './catalog-endpoint.js'
import { checkCommand } from './check-command.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { placeOf } from './init-place.js'
import { parseFlags } from './parse-flags.js'
import { testCommand } from './test-command.js'

const help = `Usage: mcp-authz init DIR --server-url URL --issuer URL --audience AUDIENCE [--group GROUP]... [OPTIONS]
       mcp-authz init DIR --tools FILE --issuer URL --audience AUDIENCE [--group GROUP]... [OPTIONS]

Writes a working start for one MCP server: policies with their tests, and configurations of mcp-authz and Envoy. Reads
what the server lists; tools that call themselves read-only are given to the groups, the others wait in comments for
somebody to review them. Everything begins in Audit, which denies nothing. What exists is not touched.

  DIR                   where to write; it may exist, the files may not
  --server-url URL      the MCP endpoint behind the gateway
  --tools FILE          what it answered to tools/list, "-" for standard input; nothing is connected to
  --issuer URL          who issues the tokens, as in their claim iss
  --audience AUDIENCE   whom they are for, as in their claim aud
  --group GROUP         whose members may call what only reads; may be repeated (default: everybody who signs in)
  --name NAME           of the Server, a DNS label (default: what the server calls itself)
  --resource URL        what clients will use, with the path of the server (default: where Envoy listens)
  --listen HOST:PORT    where Envoy listens (default 127.0.0.1:8080)
  --username-claim CLAIM   the claim that names a person (default sub)
  --groups-claim CLAIM     the claim that lists their groups (default groups)
  --token-file FILE     a bearer token for the server, "-" for standard input
  --header-file FILE    further headers for the server, one "Name: value" per line
  --ca-file FILE        certificates (PEM) to trust in place of the system's while reading
  --insecure-http       allow plain http to other machines
  -o, --output FORMAT   text (default) or json

Exit codes: 0 written and checked, 1 nothing was written, 2 written, with warnings or tests that fail, 3 written, but does
not compile.

Examples:
  mcp-authz init guarded --server-url http://127.0.0.1:3001/mcp --issuer https://idp.example.com/realms/acme \\
    --audience mcp-gateway --group staff
  mcp-authz init guarded --tools tools.json --issuer https://idp.example.com --audience mcp-gateway --name files`

export const initCommand: Command = {
  name: 'init',
  summary: 'write a working start for an MCP server: policies, tests, configurations',
  help,
  run: init,
}

const flags = {
  'server-url': { type: 'string' },
  tools: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string' },
  group: { type: 'string', multiple: true },
  name: { type: 'string' },
  resource: { type: 'string' },
  listen: { type: 'string', default: '127.0.0.1:8080' },
  'username-claim': { type: 'string', default: 'sub' },
  'groups-claim': { type: 'string', default: 'groups' },
  'token-file': { type: 'string' },
  'header-file': { type: 'string' },
  'ca-file': { type: 'string' },
  'insecure-http': { type: 'boolean' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const

async function init(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const [directory, ...more] = positionals
  if (directory === undefined || more.length > 0) throw new UsageError('name one directory to write to')
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  const url = values['server-url']
  if (url === undefined && values.tools === undefined)
    throw new UsageError('say which server with --server-url URL, or what it lists with --tools FILE')
  const endpoint = url === undefined ? undefined : endpointOf(url, values)
  const place = placeOf(values, endpoint)
  const { published, source } = await publishedBy(values.tools, endpoint, io)
  if (published.tools.length + published.prompts.length === 0)
    throw new Error(`${source} lists neither tools nor prompts`)
  const name = values.name ?? nameOf(published)
  // One with the name of a shipped catalogue would take its place.
  const catalogName = readdirSync(shippedCatalogs).includes(`${name}.yaml`) ? `${name}-drafted` : name
  const catalog = draftCatalog(published, catalogName, source)
  if (catalog.left.length === published.tools.length + published.prompts.length)
    throw new Error(`no call may name what ${source} lists, or its arguments: a catalogue cannot hold any of it`)
  const reviewed = findReviewed(published.tools, shippedOnes())
  const start = draftStart({
    ...{ ...place, name, catalogName, source, tools: published.tools, catalog: catalog.text, reviewed },
    serverAsksForToken: values['token-file'] !== undefined || values['header-file'] !== undefined,
    envoyExample: readFileSync(join(packageRoot, 'envoy', 'ext-authz.yaml'), 'utf8'),
  })
  write(directory, start.files)
  const checked = await check(directory, name, io)
  io.out(
    values.output === 'json'
      ? asJson(directory, name, start, catalog.left, checked)
      : asText(directory, start, checked),
  )
  for (const one of catalog.left) io.err(`left out, as no call may name it: ${JSON.stringify(foreignText(one, 128))}`)
  if (reviewed !== undefined)
    io.err(`a reviewed catalogue for this server is shipped: ${reviewed.name}. README.md says how to use it`)
  return checked.code
}

async function publishedBy(
  file: string | undefined,
  endpoint: Endpoint | undefined,
  io: CommandIo,
): Promise<{ readonly published: Published; readonly source: string }> {
  if (file !== undefined || endpoint === undefined) {
    const read = readToolsFile(readFileSync(file === undefined || file === '-' ? 0 : file))
    if (!read.ok) throw new Error(`${file} ${read.message}`)
    const { tools, prompts } = read
    const source = endpoint === undefined ? foreignText(file ?? '-') : shownUrl(endpoint)
    return { source, published: { server: undefined, version: undefined, era: 'modern', tools, prompts } }
  }
  const source = shownUrl(endpoint)
  if (new URL(endpoint.url).search !== '')
    io.err('the query of --server-url is not part of what is written: clients would have to send it themselves')
  const listed = await listPublished(endpoint, {}, io.signal)
  if (!listed.ok) throw new Error(`${source}: ${listed.message}`)
  return { source, published: listed.published }
}

/** The last part of what the server calls itself, as a DNS label. */
function nameOf({ server = '' }: Published): string {
  const last = server.slice(0, 200).split('/').at(-1) ?? ''
  const name = last
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 60)
    .replace(/-$/, '')
  return name === '' ? 'mcp-server' : name
}

function* shippedOnes(): Iterable<ToolCatalog> {
  for (const file of readdirSync(shippedCatalogs).filter(one => one.endsWith('.yaml'))) {
    const [document] = readDocuments(file, readFileSync(join(shippedCatalogs, file), 'utf8')).documents
    const catalog = document === undefined ? undefined : compileToolCatalog(document).value
    if (catalog !== undefined) yield catalog
  }
}

/** Nothing is written if any of it exists. */
function write(directory: string, files: readonly DraftedFile[]): void {
  const there = files
    .map(({ path }) => join(directory, path))
    .filter(path => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
  if (there.length > 0)
    throw new Error(`nothing was written, as these exist already; take another directory\n  ${there.join('\n  ')}`)
  for (const { path, text } of files) {
    const full = join(directory, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text, { flag: 'wx' })
  }
}

interface Checked {
  readonly code: ExitCode
  /** The last lines of what check and test say. */
  readonly said: readonly string[]
}

/** What was written, looked at as its user will. The environment plays no part. */
async function check(directory: string, name: string, io: CommandIo): Promise<Checked> {
  const config = ['--config', join(directory, 'config.yaml')]
  const said: string[] = []
  const lines: string[] = []
  const captured: CommandIo = {
    out: text => void lines.push(...text.split('\n')),
    err: text => void lines.push(...text.split('\n')),
    env: {},
    signal: io.signal,
  }
  const codes: ExitCode[] = []
  for (const run of [
    () => checkCommand.run([...config, '--envoy', join(directory, 'envoy.yaml')], captured),
    () => testCommand.run([...config, join(directory, 'policies', `${name}_test.yaml`)], captured),
  ]) {
    lines.length = 0
    const code = await run()
    codes.push(code)
    said.push(...(code === 0 ? lines.slice(-2) : lines))
  }
  const code = codes.includes(3) ? 3 : codes.some(one => one !== 0) ? 2 : 0
  return { code, said }
}

function asText(directory: string, { files }: DraftedStart, { said }: Checked): string {
  const shown = files.map(({ path, about }) => ({ path: join(directory, path), about }))
  const width = Math.max(...shown.map(({ path }) => path.length))
  return [...shown.map(({ path, about }) => `${path.padEnd(width)}  ${about}`), ...said].join('\n')
}

function asJson(
  directory: string,
  name: string,
  { files, tools }: DraftedStart,
  left: readonly string[],
  { code }: Checked,
): string {
  const { given, keptBack, prompts } = tools
  return JSON.stringify(
    {
      version: 'mcp-authz.dev/init-report/v1',
      server: name,
      files: files.map(({ path }) => join(directory, path)),
      given: given.map(tool => tool.name),
      refused: keptBack,
      prompts,
      leftOut: left.map(one => foreignText(one, 128)),
      checked: code === 0,
    },
    undefined,
    2,
  )
}
