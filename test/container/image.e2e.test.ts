import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Child } from '../../src/demo/child-process.js'
import { freePort } from '../../src/demo/free-port.js'
import { httpReady } from '../../src/demo/http-ready.js'
import { packageRoot } from '../../src/package-root.js'
import { copiedByDockerfile, type ImageTree, makeImageTree } from './image-tree.js'
import { createMountedVolume, type MountedVolume } from './mounted-volume.js'
import { containerProblem, startContainer } from './start-container.js'

const uid = 65532
const problem = containerProblem()
if (problem !== undefined) process.stderr.write(`the image is not started: ${problem}\n`)

it('what the Dockerfile copies is there after a build', async () => {
  for (const name of await copiedByDockerfile())
    expect([name, existsSync(join(packageRoot, name))]).toEqual([name, true])
})

describe.skipIf(problem !== undefined)('what is in the image', () => {
  let image: ImageTree
  let policies: MountedVolume
  let running: Child | undefined
  beforeAll(async () => {
    image = await makeImageTree()
    policies = await createMountedVolume()
  })
  afterAll(async () => {
    await running?.stop()
    await policies?.remove()
    await image?.remove()
  })

  const start = (args: readonly string[], port = 0) =>
    startContainer({
      mounts: { '/app': image.app, '/etc/mcp-authz': policies.directory },
      environment: {
        NODE_ENV: 'production',
        NODE_OPTIONS: '--max-old-space-size=384',
        MCP_AUTHZ_LISTENERS_0_HOST: '127.0.0.1',
        MCP_AUTHZ_LISTENERS_0_PORT: '0',
        MCP_AUTHZ_HTTP_HOST: '127.0.0.1',
        MCP_AUTHZ_HTTP_PORT: String(port),
      },
      args: ['/app/dist/cli/main.js', ...args],
      uid,
    })

  it('serves as an unprivileged user who can write nothing, and ends when it is told to', async () => {
    await policies.write({
      'server.yaml': {
        mode: 0o644,
        text: `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: https://mcp.example.com/mcp, catalog: kubernetes-mcp-server, anonymous: Allow }
`,
      },
    })
    const port = await freePort()
    running = await start(['serve'], port)
    await running.waitUntilReady(httpReady(`http://127.0.0.1:${port}/healthz`))
    await running.waitUntilReady(httpReady(`http://127.0.0.1:${port}/readyz`))
    expect(await running.stop()).toEqual({ code: 0, signal: null })
    expect(running.lines.filter(line => /"level":"error"/.test(line))).toEqual([])
  })

  it.each([
    ['version', 0],
    ['help', 0],
    ['check', 0],
  ])('runs %s', async (command, code) => {
    const child = await start([command])
    const exit = await child.exited
    expect({ ...exit, lines: child.lines }).toEqual({ code, signal: null, lines: expect.any(Array) })
  })

  it('says of the demo that it needs a checkout', async () => {
    const child = await start(['demo'])
    expect(await child.exited).toMatchObject({ code: 1 })
    expect(child.lines.join('\n')).toContain('checkout')
  })
})
