import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { codeBlocks, readMarkdown, tableRows } from '../../test/docs/markdown.js'
import { policyCodes } from '../workbench/check/check-codes.js'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-check-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function check(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(['check', ...args], {
    out: text => void out.push(text),
    err: text => void err.push(text),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

let folders = 0
function write(files: Record<string, string>): string {
  const directory = join(folder, `p${folders++}`)
  mkdirSync(directory)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const policies = `# The bank.
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: bank }
spec: { resource: "https://bank.example.com/mcp" }   # its address
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: not-ann }
spec:
  match: { servers: [bnak] }     # which
  validations:
  - expression: user.usernme != "ann"
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec:
  match: { servers: [bnak], subjects: [{ kind: Group, name: staff }] }
`

describe('check --fix', () => {
  it('makes what mends, keeps the rest of the file, and leaves to people what gives something', async () => {
    const directory = write({ 'a.yaml': policies })
    const before = await check(directory)
    expect(before.code).toBe(2)
    expect(before.out).toContain(
      '    - ' + '  match: { servers: [bnak] }     # which\n    +   match: { servers: [bank] }     # which',
    )
    expect(readFileSync(join(directory, 'a.yaml'), 'utf8')).toBe(policies)

    const { code, out } = await check(directory, '--fix')
    expect(out).toContain('a.yaml: 2 changes made\n')
    expect(out).toContain(
      'if that is what you mean (--fix leaves it to you):\n    -   match: { servers: [bnak], subjects',
    )
    expect(code).toBe(2)
    const fixed = policies.replace('[bnak] }     # which', '[bank] }     # which').replace('usernme', 'username')
    expect(readFileSync(join(directory, 'a.yaml'), 'utf8')).toBe(fixed)

    const again = await check(directory, '--fix')
    expect(again.out).not.toContain('made')
    expect(readFileSync(join(directory, 'a.yaml'), 'utf8')).toBe(fixed)
  })

  it('mends what does not compile', async () => {
    const directory = write({
      'a.yaml': policies
        .replace('servers: [bnak] }     # which', 'servers: bank }')
        .replace('usernme', 'username')
        .replaceAll('bnak', 'bank'),
    })
    expect((await check(directory)).code).toBe(3)
    const { code, out } = await check(directory, '--fix')
    expect(out).toContain('+   match: { servers: [bank] }')
    expect(code).toBe(0)
  })

  it('changes neither links, as mounted ConfigMaps have, nor manifests of ConfigMaps', async () => {
    const elsewhere = write({ data: policies })
    const directory = write({
      'map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, labels: { mcp-authz.dev/policy: "true" } }\ndata:\n  g.yaml: |\n${policies.split('---\n')[1]?.replaceAll(/^/gm, '    ')}\n`,
    })
    symlinkSync(join(elsewhere, 'data'), join(directory, 'b.yaml'))
    const map = readFileSync(join(directory, 'map.yaml'), 'utf8')
    const { out } = await check(directory, '--fix')
    expect(out).toContain('there is no Server "bnak"')
    expect(out).not.toContain('made')
    expect(readFileSync(join(elsewhere, 'data'), 'utf8')).toBe(policies)
    expect(readFileSync(join(directory, 'map.yaml'), 'utf8')).toBe(map)
  })

  it('says in JSON what it did', async () => {
    const directory = write({ 'a.yaml': policies })
    const { out } = await check(directory, '--fix', '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      fixed: [{ changes: 2 }],
      findings: [{ code: 'unknown-server', subject: 'Grant/staff', fix: { effect: 'suggests' } }],
    })
  })

  it.each<[string, string[], string]>([
    ['--fix without policies', ['--envoy', 'envoy/ext-authz.yaml', '--fix'], '--fix is about policies'],
    [
      'a table without policies',
      ['--envoy', 'envoy/ext-authz.yaml', '-o', 'wide'],
      '--explain-policies is about policies',
    ],
    ['a table in SARIF', ['policies/demo', '--explain-policies', '-o', 'sarif'], 'goes with text and json'],
    ['another format', ['policies/demo', '-o', 'yaml'], 'one of text, wide, json, sarif'],
  ])('refuses %s', async (_name, args, text) => {
    expect(await check(...args)).toMatchObject({ code: 1, err: expect.stringContaining(text) })
  })
})

describe('check -o json', () => {
  it('gives each finding a code, and changes with their ranges', async () => {
    const directory = write({ 'a.yaml': policies })
    const { out } = await check(directory, '-o', 'json')
    const file = expect.stringContaining('a.yaml')
    expect(JSON.parse(out)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({
          code: 'unknown-server',
          subject: 'Guardrail/not-ann',
          fix: {
            effect: 'mends',
            edits: [{ file, range: { start: { line: 11, column: 22 }, end: { line: 11, column: 26 } }, text: 'bank' }],
            diff: ['-   match: { servers: [bnak] }     # which', '+   match: { servers: [bank] }     # which'],
          },
        }),
      ]),
    })
  })
})

describe('check -o sarif', () => {
  it('names rules, places and changes', async () => {
    const directory = write({ 'a.yaml': policies })
    const { out, code } = await check(directory, '-o', 'sarif')
    expect(code).toBe(2)
    const uri = expect.stringMatching(/^file:\/\/\/.*a\.yaml$/)
    expect(JSON.parse(out)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          columnKind: 'utf16CodeUnits',
          tool: {
            driver: {
              name: 'mcp-authz',
              rules: expect.arrayContaining([
                { id: 'unknown-member', shortDescription: { text: 'a member that is never there' } },
              ]),
            },
          },
          results: expect.arrayContaining([
            expect.objectContaining({
              ruleId: 'unknown-server',
              level: 'warning',
              locations: [
                { physicalLocation: { artifactLocation: { uri }, region: { startLine: 11, startColumn: 22 } } },
              ],
              fixes: [
                expect.objectContaining({
                  artifactChanges: [
                    {
                      artifactLocation: { uri },
                      replacements: [
                        {
                          deletedRegion: { startLine: 11, startColumn: 22, endLine: 11, endColumn: 26 },
                          insertedContent: { text: 'bank' },
                        },
                      ],
                    },
                  ],
                }),
              ],
            }),
          ]),
        },
      ],
    })
  })

  it('holds what the gateway has wrong, too, and nothing where all is well', async () => {
    const envoy = join(folder, 'envoy.yaml')
    writeFileSync(
      envoy,
      readFileSync('envoy/ext-authz.yaml', 'utf8').replace('failure_mode_allow: false', 'failure_mode_allow: true'),
    )
    const { out } = await check('policies/demo', '--envoy', envoy, '-o', 'sarif')
    expect(JSON.parse(out)).toMatchObject({
      runs: [{ results: [{ ruleId: 'envoy.failure_mode_allow', level: 'error' }] }],
    })
    expect(JSON.parse((await check('policies/demo', '-o', 'sarif')).out)).toMatchObject({ runs: [{ results: [] }] })
  })
})

describe('check --explain-policies', () => {
  it('says what each policy matches and costs', async () => {
    const { code, out } = await check('policies/demo', '--explain-policies')
    expect(code).toBe(0)
    expect(out).toMatch(/^POLICY +MODE +SERVERS +MATCHES +CALLERS +COST +BUDGET$/m)
    expect(out).toMatch(
      /^Guardrail\/agents-do-not-delete +Enforce +kubernetes +helm_uninstall, .* and 2 more +anybody +2-2 +0 %$/m,
    )
    expect(out).toMatch(/^Guardrail\/replica-cap +Enforce +kubernetes +everything: 52 tools, prompts, resources/m)
    expect(out).toMatch(/no binding allows anybody what these do: .*\bpods_exec\b/)
    expect((await check('policies/demo', '-o', 'wide')).out).toBe(out)
  })

  it('names all tools in JSON', async () => {
    const { out } = await check('policies/demo', '--explain-policies', '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      policies: expect.arrayContaining([
        expect.objectContaining({
          policy: 'Guardrail/agents-do-not-delete',
          tools: [
            'helm_uninstall',
            'kiali_manage_istio_config',
            'nodes_log',
            'pods_delete',
            'pods_exec',
            'resources_delete',
          ],
          everything: false,
          cost: { min: 2, max: 2, ordinary: 2, budgetPercent: 0 },
        }),
      ]),
      servers: [
        { server: 'kubernetes', require: ['operations'], callableByNobody: expect.arrayContaining(['pods_exec']) },
      ],
    })
  })

  it('says when it cannot', async () => {
    const directory = write({ 'a.yaml': policies.replace('user.usernme', 'usr') })
    expect(await check(directory, '-o', 'wide')).toMatchObject({
      code: 3,
      err: 'what policies match can be told once they compile',
    })
  })
})

describe('check', () => {
  it('says once of an expression that it is always true', async () => {
    const directory = write({
      'a.yaml': policies.replaceAll('bnak', 'bank').replace('user.usernme != "ann"', 'tenant == tenant'),
    })
    const { out } = await check(directory)
    expect(out).toContain('[always-true]')
    expect(out).not.toContain('[never-denies]')
  })
})

describe('what we ship', () => {
  it.each([
    'policies/demo',
    'policies/demo-ledger',
    'policies/baseline',
    'examples/adoption/policies',
    'envoy/mtls-spiffe/policies',
    'envoy/a2a-and-llm/policies',
    'envoy/jwt-authn/policies',
    'test/hostile/policies',
    'test/gateways/table/policies.yaml',
  ])('has nothing to be said about: %s', async directory => {
    const { code, out } = await check(directory, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({ findings: [] })
    expect(code).toBe(0)
  })
})

describe('docs/check.md', () => {
  const text = readMarkdown('docs/check.md')
  const home = process.cwd()
  afterEach(() => process.chdir(home))

  it('shows what its commands print, in the order of the page', async () => {
    const directory = write({})
    mkdirSync(join(directory, 'policies'))
    const policies = codeBlocks(text).find(block => block.language === 'yaml')?.text ?? ''
    writeFileSync(join(directory, 'policies/bank.yaml'), policies)
    process.chdir(directory)
    const shown = codeBlocks(text).filter(({ language }) => language === 'console')
    expect(shown).toHaveLength(3)
    for (const block of shown) {
      const [command = '', ...output] = block.text.trimEnd().split('\n')
      const { code, out } = await check(...command.replace('$ mcp-authz check ', '').split(' '))
      expect(out).toBe(output.join('\n'))
      expect(code).toBe(2)
    }
  })

  it('lists all codes', () => {
    const rows = tableRows(text, 'Codes').map(([code = '', says = '']) => [code.replaceAll('`', ''), says])
    expect(rows).toEqual(Object.entries(policyCodes))
  })
})
