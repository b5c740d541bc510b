import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { librarySets } from '../../src/cel/library-sets.js'
import { lintCodes } from '../../src/cel/lint/lint-codes.js'
import { parseSignature } from '../../src/cel/types/parse-signature.js'
import { run } from '../../src/cli/run.js'
import { configSpec } from '../../src/config/config-document.js'
import { loadConfig } from '../../src/config/load-config.js'
import { variableNames } from '../../src/config/settings.js'
import { formatFinding } from '../../src/documents/format-finding.js'
import { envoyChecks } from '../../src/gateway-check/envoy-checks.js'
import { packageRoot } from '../../src/package-root.js'
import { isKnownKind } from '../../src/policy/compile-document.js'
import { policyEnvironment } from '../../src/policy/expression-environment.js'
import { policyFacts } from '../../src/policy/policy-facts.js'
import { everyMetric } from '../support/every-metric.js'
import { catalogs, memorySource, namesAsTokens, storeOf } from '../support/policies.js'
import { anchors, codeBlocks, markdownFiles, prose, readMarkdown, relativeLinks, tableRows } from './markdown.js'

const files = markdownFiles()
const documents = readMarkdown('docs/documents.md')
const configuration = readMarkdown('docs/configuration.md')
const reasonCodes = readMarkdown('docs/reason-codes.md')

/** What stands in backticks, first of a cell. */
function code(cell: string | undefined): string {
  return /^`([^`]+)`/.exec(cell ?? '')?.[1] ?? ''
}

/** Everything in backticks. */
function codes(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, inner = '']) => inner)
}

describe('reason codes', () => {
  const sources = [
    'src/protocol/reasons.ts',
    'src/identity/reasons.ts',
    'src/rbac/authorizer.ts',
    'src/rbac/tool-catalog.ts',
    'src/decision/reason-codes.ts',
  ]
  const union = /^export type \w+Reason =((?:\s*\|?\s*'[a-z]+\.[a-z_]+')+)$/gm
  const declared = new Set(
    sources.flatMap(name =>
      [...readFileSync(join(packageRoot, name), 'utf8').matchAll(union)].flatMap(([, members = '']) =>
        [...members.matchAll(/'([^']+)'/g)].map(([, member = '']) => member),
      ),
    ),
  )
  const documented = [...prose(reasonCodes).matchAll(/^\| `([a-z]+\.[a-z_]+)` \|/gm)].map(([, reason = '']) => reason)

  it('are all found in the sources', () => {
    for (const reason of ['framing.upgrade', 'session.missing', 'identity.audience', 'dependency.api_server'])
      expect(declared).toContain(reason)
    for (const reason of ['message.manifest', 'server.path', 'internal.error']) expect(declared).toContain(reason)
  })

  it('are documented, each once and no others', () => {
    expect([...documented].sort()).toEqual([...declared].sort())
  })

  it.each(documented)('%s stands below its stage, with every column', reason => {
    const stage = reason.slice(0, reason.indexOf('.'))
    const row = tableRows(reasonCodes, stage).find(([cell]) => code(cell) === reason)
    expect(row?.length).toBe(5)
    expect(row?.every(cell => cell !== '')).toBe(true)
  })
})

describe('YAML in the documentation', () => {
  const ours =
    /^ *(?:- )?apiVersion: *["']?(?:mcp-authz\.dev|apiserver\.config\.k8s\.io|rbac\.authorization\.k8s\.io)\//m
  const blocks = files
    .flatMap(codeBlocks)
    .filter(({ language, text }) => language === 'yaml' && ours.test(text))
    .map(block => ({ ...block, at: `${block.file}:${block.line}` }))
  const compiled = blocks.filter(({ notCompiled }) => !notCompiled)
  const kindOf = (text: string) => /^kind: *(\w+)/m.exec(text)?.[1] ?? ''

  it('is found', () => {
    expect(new Set(compiled.map(({ text }) => kindOf(text))).size).toBeGreaterThan(7)
  })

  it.each(compiled.filter(({ text }) => kindOf(text) === 'Config'))('$at is a Config that loads', ({ at, text }) => {
    const loaded = loadConfig({ file: { path: join('/etc', at), text } })
    expect(loaded.ok ? [] : loaded.findings.map(formatFinding)).toEqual([])
    expect(loaded.ok && loaded.warnings.map(formatFinding)).toEqual([])
  })

  it.each(compiled.filter(({ text }) => kindOf(text) !== 'Config'))('$at compiles', ({ at, text }) => {
    // Documents are shown one by one: the Server that they are about stands elsewhere.
    const server = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: https://mcp.example.com/stub, catalog: kubernetes-mcp-server }
`
    const texts = /^kind: *Server *$/m.test(text) ? { [at]: text } : { [at]: text, 'stub.yaml': server }
    const store = storeOf([catalogs, memorySource(texts)], namesAsTokens({}))
    const { findings, inForce } = store.load()
    expect(findings.filter(({ severity }) => severity === 'error').map(formatFinding)).toEqual([])
    expect(inForce).toBe(true)
  })
})

describe('documents.md', () => {
  it.each(['Server', 'ToolCatalog', 'Identity', 'Grant', 'Guardrail', 'Enrichment', 'AuthenticationConfiguration'])(
    'has a section about %s with an example',
    kind => {
      expect(isKnownKind(kind)).toBe(true)
      expect(anchors(documents)).toContain(kind.toLowerCase())
      expect(codeBlocks(documents).some(({ text }) => text.includes(`kind: ${kind}\n`))).toBe(true)
    },
  )

  it('has every CEL variable and no others', () => {
    const names = tableRows(documents, 'Expressions')
      .filter(row => row.length === 3)
      .map(([cell]) => code(cell))
    expect([...names].sort()).toEqual([...policyEnvironment.variables.keys()].sort())
  })

  it('has every CEL function', () => {
    const named = new Set(
      tableRows(documents, 'Expressions')
        .filter(row => row.length === 2)
        .flatMap(([, cell = '']) => codes(cell)),
    )
    const offered = librarySets['mcp-authz/v1']
      .flatMap(library => library.functions)
      .map(({ id, signature }) => parseSignature(id, signature).name)
    // What macros call for their authors is not for them to call.
    const missing = [...new Set(offered)].filter(name => !name.includes('@') && !named.has(name))
    expect(missing).toEqual([])
  })
})

describe('lint in documents.md', () => {
  const rows = tableRows(documents, 'Lint')
  const plain = (cell: string | undefined) => code(cell).replaceAll('\\|', '|')

  it('has every code as it is in the engine, and no others', () => {
    expect(rows.map(([name, says, bad, good]) => [code(name), says, plain(bad), plain(good)])).toEqual(
      Object.entries(lintCodes).map(([name, { says, bad, good }]) => [name, says, bad, good]),
    )
  })

  it.each(rows.map(row => [code(row[0]), plain(row[2]), plain(row[3])] as const))('%s: %s', (name, bad, good) => {
    for (const source of [bad, good]) expect(policyEnvironment.compile(source, 'bool')).toMatchObject({ ok: true })
    expect(policyEnvironment.lint(bad, 'bool', policyFacts).map(issue => issue.code)).toEqual([name])
    expect(policyEnvironment.lint(good, 'bool', policyFacts)).toEqual([])
  })
})

describe('configuration.md', () => {
  const rows = tableRows(configuration, 'Settings')
  const paths = rows.map(([cell]) => code(cell))

  it('has every setting and no others', () => {
    const asVariable = (path: string): string => {
      const words = path
        .replaceAll('[]', '.0')
        .replace('<name>', 'NAME')
        .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replaceAll('.', '_')
      return `MCP_AUTHZ_${words.toUpperCase()}`
    }
    expect(paths.map(asVariable).sort()).toEqual([...variableNames(configSpec)].sort())
  })

  it.each(rows.map(([path, , value]) => [code(path), value ?? ''] as const))('has the default of %s', (path, shown) => {
    const inner = path.replaceAll('[]', '.0').replace('<name>', 'local').split('.')
    const value = inner.reduce<unknown>(
      (holder, key) => (typeof holder === 'object' && holder !== null ? Reflect.get(holder, key) : undefined),
      configSpec.parse({}),
    )
    if (value !== undefined) expect(shown).toBe(`\`${String(value)}\``)
  })

  it('has every metric with its labels, and no others', async () => {
    const text = await everyMetric({ defaults: false }).text()
    const table = tableRows(configuration, 'Metrics').filter(row => row.length === 4)
    const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
      const sample = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, 'm').exec(text)?.[1] ?? ''
      const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter(label => label !== 'le')
      return `${name} ${type} ${labels.sort().join(' ')}`
    })
    const shown = table.map(
      ([name, type, labels = '']) => `${code(name)} ${type} ${[...codes(labels)].sort().join(' ')}`,
    )
    expect(shown.sort()).toEqual(exported.sort())
  })
})

describe('envoy.md', () => {
  const envoy = readMarkdown('docs/envoy.md')

  it('has every check of Envoy configurations as it is in the code, and no others', () => {
    const rows = tableRows(envoy, 'The checks').map(([cell, ...others]) => [code(cell), ...others])
    expect(rows).toEqual(
      Object.entries(envoyChecks).map(([name, { severity, why, fix }]) => [name, severity, why, fix]),
    )
  })

  it('shows what the check prints', async () => {
    let text = readFileSync(join(packageRoot, 'envoy', 'ext-authz.yaml'), 'utf8')
    for (const [from, to] of [
      ['failure_mode_allow: false', 'failure_mode_allow: true'],
      [', pack_as_bytes: true', ''],
      ['stream_idle_timeout: 0s ', 'upgrade_configs: [{ upgrade_type: websocket }] #'],
    ] as const) {
      expect(text.split(from)).toHaveLength(2)
      text = text.replace(from, to)
    }
    const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-docs-'))
    const file = join(directory, 'envoy.yaml')
    writeFileSync(file, text)
    const lines = ['$ mcp-authz check --envoy envoy.yaml']
    const io = { out: (line: string) => void lines.push(line), err: () => {}, env: {}, signal: AbortSignal.abort() }
    expect(await run(['check', '--envoy', file], io)).toBe(3)
    rmSync(directory, { recursive: true })
    const shown = codeBlocks(envoy).find(block => block.text.startsWith('$ mcp-authz check --envoy'))?.text
    expect(shown).toBe(`${lines.join('\n').replaceAll(`${directory}/`, '')}\n`)
  })
})

describe('links', () => {
  it.each(files.flatMap(file => relativeLinks(file).map(link => ({ file, link, from: file.name, ...link }))))(
    '$from: $path#$anchor',
    ({ file, path, anchor }) => {
      const target = path === '' ? file.name : join(dirname(file.name), path)
      expect(existsSync(join(packageRoot, target)), `${target} is missing`).toBe(true)
      if (anchor === '' || !target.endsWith('.md') || !statSync(join(packageRoot, target)).isFile()) return
      expect([...anchors(readMarkdown(target))]).toContain(anchor)
    },
  )
})
