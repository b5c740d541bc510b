import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codeBlocks, readMarkdown } from '../../test/docs/markdown.js'
import { catalogs, namesAsTokens, storeOf } from '../../test/support/policies.js'
import type { Finding } from '../documents/finding.js'
import { guardrail, server } from './config-maps.fixture.js'
import { createDirectorySource } from './directory-source.js'
import { createManifestSources } from './manifest-source.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifests-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
const indented = (text: string, by: number) => text.replace(/^(?=.)/gm, ' '.repeat(by))
const label = 'labels: { mcp-authz.dev/policy: "true" }'
const manifest = (key: string, text: string, labels = label) =>
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: caps
  ${labels}
data:
  ${key}: |
${indented(text, 4)}`

const check = (where = directory) =>
  storeOf(createManifestSources({ directory: where }), namesAsTokens({}), 'serve').load()
const lines = (findings: readonly Finding[]) =>
  findings.map(
    ({ severity, location: { file, line, column, document }, subject, message }) =>
      `${severity} ${file.replace(/.*\//, '')}:${line}:${column} (${document}) ${subject} ${message}`,
  )

describe('manifests of ConfigMaps', () => {
  it('are read for the policies in them', () => {
    write('server.yaml', server)
    write('caps.yaml', manifest('cap.yaml', guardrail('cap', 'true')))
    const report = check()
    expect(lines(report.findings)).toEqual([])
    expect(report).toMatchObject({ documents: 2, broken: [] })
    expect(report.states).toContainEqual(expect.objectContaining({ kind: 'Guardrail', name: 'cap', state: 'loaded' }))
  })

  it('are not read for tests of policies', () => {
    write('server.yaml', server)
    const tests = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: PolicyTest\n'
    write('caps.yaml', manifest('cap_test.yaml', tests))
    expect(lines(check().findings)).toEqual([])
  })

  it('give their errors a line and column of the manifest itself', () => {
    write('server.yaml', server)
    const text = `# "ä😀"\n---\n${guardrail('cap', '"😀" == nope')}`
    write('caps.yaml', `# a comment\n---\n${manifest('cap.yaml', text)}`)
    // Two lines before the manifest, seven in it, two in the text; four columns of indentation.
    expect(lines(check().findings)).toEqual([
      expect.stringMatching(/^error caps\.yaml:18:32 \(1\) Guardrail\/cap undeclared/),
    ])
  })

  it.each([
    ['folded into a quoted scalar', (text: string) => JSON.stringify(text)],
    ['as a block with indentation indicator', (text: string) => `|2-\n${indented(text, 4)}`],
  ])('find the line %s', (_, style) => {
    write('server.yaml', server)
    const data = style(guardrail('cap', 'nope'))
    write('c.yaml', `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c, ${label} }\ndata:\n  c.yaml: ${data}\n`)
    const [finding] = check().findings
    expect(finding).toMatchObject({ severity: 'error', subject: 'Guardrail/cap' })
    const line = readLine('c.yaml', finding?.location.line ?? 0)
    expect(line.slice((finding?.location.column ?? 0) - 1)).toMatch(/^nope/)
  })

  it('say where YAML inside of YAML is broken', () => {
    write('server.yaml', server)
    write('caps.yaml', manifest('cap.yaml', 'apiVersion: x\nkind: [\n'))
    expect(lines(check().findings)[0]).toMatch(/^error caps\.yaml:(9|10):\d+ /)
  })

  it('are found in a List', () => {
    write('server.yaml', server)
    const item = (name: string) => indented(manifest('cap.yaml', guardrail(name, 'true')), 2).replace(/^ {2}/, '- ')
    write('list.yaml', `apiVersion: v1\nkind: List\nitems:\n${item('one')}${item('two')}`)
    const report = check()
    expect(lines(report.findings)).toEqual([])
    expect(report).toMatchObject({ documents: 3 })
  })

  it('count without the label, with a warning, and without policies are no policies', () => {
    write('server.yaml', server)
    write('caps.yaml', manifest('cap.yaml', guardrail('cap', 'true'), 'labels: { mcp-authz.dev/policy: yes }'))
    expect(lines(check().findings)).toEqual([
      'warning caps.yaml:3:1 (1) ConfigMap/caps has no label that makes its policies count',
    ])
    write('caps.yaml', manifest('envoy.yaml', 'static_resources: {}\n', 'namespace: envoy'))
    expect(lines(check().findings)[0]).toContain('a ConfigMap is what policies come in on a cluster')
  })

  it('hold no more than ConfigMaps may hold, and nothing that is not read', () => {
    write('caps.yaml', `${manifest('s.yaml', server)}  readme: hello\nbinaryData:\n  c.yaml: AA==\n`)
    expect(lines(check().findings)).toEqual(
      expect.arrayContaining([
        'warning caps.yaml:12:3 (1) ConfigMap/caps keys of another ending are not read',
        'error caps.yaml:14:3 (1) ConfigMap/caps is not read as a policy',
        expect.stringMatching(
          /^error caps\.yaml:9:\d+ \(1\) Server\/files the source ConfigMaps in .* may not hold a Server/,
        ),
      ]),
    )
    const sources = createManifestSources({ directory, configMapKinds: ['Server'] })
    const { findings } = storeOf(sources, namesAsTokens({}), 'serve').load()
    expect(lines(findings).filter(line => line.includes('may not hold'))).toEqual([])
  })

  it('give way to policies in directories, as on a cluster', () => {
    write('server.yaml', server)
    write('cap.yaml', guardrail('cap', 'false'))
    write('caps.yaml', manifest('cap.yaml', guardrail('cap', 'true')))
    expect(lines(check().findings)).toEqual([expect.stringContaining('overridden by')])
  })

  it('may be a single file', () => {
    write('server.yaml', server)
    write('caps.yaml', manifest('cap.yaml', guardrail('cap', 'nope')))
    expect(lines(check(join(directory, 'caps.yaml')).findings).length).toBeGreaterThan(0)
    expect(check(join(directory, 'server.yaml'))).toMatchObject({ documents: 1, findings: [] })
  })

  it('are no policies to a service that reads the directory', () => {
    write('server.yaml', server)
    write('caps.yaml', manifest('cap.yaml', guardrail('cap', 'true')))
    const { findings, inForce } = storeOf([createDirectorySource({ directory })], namesAsTokens({})).load()
    expect(inForce).toBe(false)
    expect(findings[0]).toMatchObject({
      message: expect.stringContaining('a directory holds the policies themselves'),
      hint: expect.stringContaining('spec.sources[].configMaps'),
    })
  })
})

describe('docs/policies-as-configmaps.md', () => {
  it('shows a manifest in which nothing is wrong', () => {
    const page = readMarkdown('docs/policies-as-configmaps.md')
    const manifests = codeBlocks(page).filter(({ text }) => text.includes('kind: ConfigMap\n'))
    const written = manifests.filter(({ language }) => language === 'yaml')
    expect(written).toHaveLength(1)
    write('cap.yaml', written[0]?.text ?? '')
    write(
      'server.yaml',
      server.replaceAll('files', 'kubernetes').replace('spec: {', 'spec: { catalog: kubernetes-mcp-server,'),
    )
    const sources = [catalogs, ...createManifestSources({ directory })]
    const { findings, states } = storeOf(sources, namesAsTokens({}), 'serve').load()
    expect(lines(findings.filter(({ location }) => location.file.endsWith('cap.yaml')))).toEqual([])
    expect(states).toContainEqual(expect.objectContaining({ kind: 'Guardrail', name: 'replica-cap', state: 'loaded' }))
  })
})

function readLine(name: string, line: number): string {
  return readFileSync(join(directory, name), 'utf8').split('\n')[line - 1] ?? ''
}
