import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startSimulatedCluster } from '../../src/demo/simulated-cluster.js'
import { packageRoot } from '../../src/package-root.js'

/** Runs the demo as a user would. */
function demo(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [join(packageRoot, 'dist/cli/main.js'), 'demo', ...args],
      { timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out: `${stdout}${stderr}` }),
    )
  })
}

/** What each step shows, and how it ends. */
function titlesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .filter(line => /^ [ \d]\d {2}|^ {6}(?:ALLOWED|DENIED|REFUSED) /.test(line))
    .map(line => line.slice(0, 80))
}

describe('mcp-authz demo', () => {
  it('goes as announced against the simulated API server', async () => {
    const { code, out } = await demo()
    expect(out).toContain('18 steps, all as announced.')
    expect(code).toBe(0)
    expect(titlesOf(out)).toEqual(titlesOf(readFileSync(join(packageRoot, 'README.md'), 'utf8')))
  }, 120_000)

  it('only reads in a cluster of the user', async () => {
    const cluster = await startSimulatedCluster({ namespaces: ['default', 'kube-system'] })
    try {
      const { code, out } = await demo('--kubeconfig', cluster.kubeconfig)
      expect(out).toContain(`at ${cluster.url}`)
      expect(out).toContain('all as announced.')
      expect(cluster.writes()).toEqual([])
      expect(code).toBe(0)
    } finally {
      await cluster.stop()
    }
  }, 120_000)

  it('writes only in a namespace of its own, and removes it', async () => {
    const cluster = await startSimulatedCluster({ namespaces: ['default', 'kube-system'] })
    try {
      const { code, out } = await demo('--kubeconfig', cluster.kubeconfig, '--write')
      expect(out).toContain('all as announced.')
      const elsewhere = cluster.writes().filter(({ path }) => !path.includes('/mcp-authz-demo-'))
      expect(elsewhere).toEqual([])
      expect(cluster.writes().at(-1)).toMatchObject({
        method: 'DELETE',
        path: expect.stringMatching(/^\/api\/v1\/namespaces\/mcp-authz-demo-[0-9a-f]+$/),
        status: 200,
      })
      expect(code).toBe(0)
    } finally {
      await cluster.stop()
    }
  }, 120_000)
})
