import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/package-root.js'
import { describeKube } from './shared-api-server.js'

describeKube('mcp-authz demo --kube', () => {
  it('goes as announced, and the API server names the human', async () => {
    const args = [join(packageRoot, 'dist/cli/main.js'), 'demo', '--kube']
    const { code, out } = await new Promise<{ code: number; out: string }>(resolve =>
      execFile(process.execPath, args, { timeout: 150_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : 1, out: stdout + stderr }),
      ),
    )
    expect(out).toContain('18 steps, all as announced.')
    expect(out).toMatch(
      /the audit log of the API server says:\n +alice \(team-a-developers, system:authenticated\): list /,
    )
    expect(code).toBe(0)
  }, 180_000)
})
