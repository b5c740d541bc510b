import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../src/documents/read-prepared.js'
import { packageRoot } from '../../src/package-root.js'

const catalogs = join(packageRoot, 'policies', 'catalogs')

/** The catalogues that come with the program were read when it was built; nobody may be able to tell. */
describe('the catalogues of the built program', () => {
  let folder: string
  let catalog: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-authz-prepared-'))
    for (const one of ['package.json', 'dist', 'policies/catalogs'])
      cpSync(join(packageRoot, one), join(folder, one), { recursive: true, filter: file => !file.endsWith('.map') })
    mkdirSync(join(folder, 'mine'))
    // Overrides one of ours, of which is told where it stands.
    writeFileSync(
      join(folder, 'mine', 'own.yaml'),
      `apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: server-everything }
spec: { tools: { echo: { access: read, operations: none } } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: own }
spec: { resource: "https://own.example.com/mcp", catalog: server-everything }
`,
    )
    catalog = join(folder, 'policies', 'catalogs', 'server-everything.yaml')
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  /** What `check` says of our own catalogues. */
  function check(): Promise<readonly string[]> {
    const args = [join(folder, 'dist/cli/main.js'), 'check', '--policies', 'mine']
    return new Promise(resolve =>
      execFile(process.execPath, args, { cwd: folder }, (_, out) =>
        resolve(out.split('\n').filter(line => line.startsWith('policies/catalogs'))),
      ),
    )
  }

  it('are all in the bundle', () => {
    const chunks = join(packageRoot, 'dist', 'chunks')
    const code = readdirSync(chunks).flatMap(name =>
      name.endsWith('.js') ? [readFileSync(join(chunks, name), 'utf8')] : [],
    )
    for (const name of readdirSync(catalogs)) {
      const digest = digestOf(readFileSync(join(catalogs, name), 'utf8'))
      expect(
        code.some(text => text.includes(digest)),
        name,
      ).toBe(true)
    }
  })

  it('are spoken of where they stand', async () => {
    const line = readFileSync(catalog, 'utf8').split('\n').indexOf('  name: server-everything') + 1
    expect(await check()).toEqual([
      expect.stringContaining(
        `server-everything.yaml:${line}:9: warning: ToolCatalog/server-everything metadata.name: overridden`,
      ),
    ])
  })

  it('are those in the files, once somebody edits them', async () => {
    const text = readFileSync(catalog, 'utf8')
    try {
      writeFileSync(catalog, `# mine\n${text}`)
      const line = text.split('\n').indexOf('  name: server-everything') + 2
      expect(await check()).toEqual([expect.stringContaining(`server-everything.yaml:${line}:9: warning`)])
      // As long as the one that was read.
      writeFileSync(catalog, text.replace('  name: server-everything', '  name: server-Everything'))
      expect(await check()).not.toContainEqual(expect.stringContaining('overridden'))
      writeFileSync(catalog, text.replace('kind: ToolCatalog', 'kind: ToolCatalgo'))
      expect(await check()).toEqual([expect.stringContaining('error')])
      writeFileSync(catalog, `${text}}`)
      expect(await check()).toEqual([expect.stringContaining('error')])
    } finally {
      writeFileSync(catalog, text)
    }
  })
})
