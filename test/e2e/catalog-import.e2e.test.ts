import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.js'
import { startEverythingServer } from '../../src/demo/everything-server.js'
import { startKubernetesMcpServer } from '../../src/demo/kubernetes-mcp-server.js'
import type { McpServer } from '../../src/demo/mcp-server.js'
import { type RecordingApiServer, startRecordingApiServer } from './support/recording-api-server.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-import-'))
let api: RecordingApiServer
beforeAll(async () => {
  api = await startRecordingApiServer()
})
afterAll(async () => {
  await api?.stop()
  rmSync(folder, { recursive: true })
})

async function catalog(...args: string[]) {
  const lines: string[] = []
  const say = (text: string) => void lines.push(text)
  const code = await run(['catalog', ...args], { out: say, err: say, env: {}, signal: new AbortController().signal })
  return { code, text: lines.join('\n') }
}

const kubernetes = (toolsets: string, stateless: boolean) =>
  startKubernetesMcpServer({ kubeconfig: api.kubeconfig, stateless, args: ['--toolsets', toolsets] })

describe.each<[string, () => Promise<McpServer>, string]>([
  ['kubernetes-mcp-server with sessions', () => kubernetes('core,config', false), '21 tools, 1 prompt'],
  ['kubernetes-mcp-server of 2026-07-28', () => kubernetes('core,config', true), '21 tools, 1 prompt'],
  ['server-everything', () => startEverythingServer(), '19 tools, 4 prompts'],
])('%s', (name, start, counts) => {
  it('is drafted, and then differs in nothing', async () => {
    const draft = join(folder, `${name.replaceAll(' ', '-')}.yaml`)
    const server = await start()
    try {
      const drafted = await catalog('import', server.url, '-o', draft, '--name', 'draft')
      expect(drafted).toEqual({ code: 0, text: `${draft}: ${counts}, each refused until it is reviewed` })
      const compared = await catalog('diff', server.url, '--catalog', draft)
      expect(compared).toEqual({ code: 0, text: `${counts}: 0 differences, 0 not pinned` })
    } finally {
      await server.stop()
    }
  })
})

it('the shipped catalogues differ from their servers in nothing', async () => {
  const some = await kubernetes('core,helm', false)
  const everything = await startEverythingServer()
  try {
    const missing = await catalog('diff', some.url, '--catalog', 'kubernetes-mcp-server')
    expect(missing.code).toBe(2)
    expect(missing.text).toContain('tool "vm_clone": the server does not list it')
    expect(await catalog('diff', some.url, '--catalog', 'kubernetes-mcp-server', '--allow-missing')).toMatchObject({
      code: 0,
    })
    expect(await catalog('diff', everything.url, '--catalog', 'server-everything')).toMatchObject({ code: 0 })
  } finally {
    await Promise.all([some.stop(), everything.stop()])
  }
})

it('a toolset more is a difference', async () => {
  const draft = join(folder, 'core.yaml')
  const before = await kubernetes('core', false)
  await catalog('import', before.url, '-o', draft, '--name', 'core')
  await before.stop()
  const after = await kubernetes('core,helm', false)
  try {
    const { code, text } = await catalog('diff', after.url, '--catalog', draft)
    expect(code).toBe(2)
    expect(text).toContain('tool "helm_install": is new; the catalogue does not have it, so it is denied')
    expect(text).toContain('3 differences')
  } finally {
    await after.stop()
  }
})
