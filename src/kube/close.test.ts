import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Authority, FakeApiServer, json, openssl, podFolder, portOf } from './api-server.fixture.js'

const program = fileURLToPath(new URL('close.fixture.ts', import.meta.url))

/** Ends by itself, or is killed after 30 s: every time within it is two minutes. */
function run(setting: object): Promise<{ readonly code: number | null; readonly output: string }> {
  const args = ['--import', 'tsx', program, JSON.stringify(setting)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  return new Promise(resolve => child.on('close', code => resolve({ code, output })))
}

describe.skipIf(!openssl)('a client that is closed leaves nothing that keeps the process', () => {
  let authority: Authority
  let silent: Server
  let server: FakeApiServer
  const pod = (port: number) => ({
    connection: { kind: 'inCluster' },
    variables: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
    serviceAccountDirectory: podFolder(authority, 'close'),
  })

  beforeAll(async () => {
    authority = new Authority('close')
    silent = createServer(socket => socket.on('error', () => {}))
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    server = await new FakeApiServer(authority.issue('/CN=api', 'IP:127.0.0.1')).listen()
  })
  afterAll(async () => {
    silent.close()
    await server.kill()
    authority.remove()
  })

  const ended = { code: 0, output: 'closed' }

  it('while it connects', async () => {
    expect(await run(pod(portOf(silent)))).toEqual(ended)
  })

  it('while nobody listens', async () => {
    expect(await run(pod(1))).toEqual(ended)
  })

  it('while answers are awaited, and a watch is open', async () => {
    server.answer = (stream, headers) => {
      if (headers[':path'] !== '/api') json(200, '')(stream, headers, '')
    }
    expect(await run(pod(server.port))).toEqual(ended)
  })

  it('while it is told to come again later', async () => {
    server.answer = json(429, '{}', { 'retry-after': '100' })
    expect(await run(pod(server.port))).toEqual(ended)
  })

  it.each([
    ['an exec plugin runs', 'exec sleep 100'],
    ['an exec plugin runs that leaves others behind', 'sleep 100 & sleep 100'],
  ])('while %s', async (_, script) => {
    const folder = join(authority.folder, 'plugin')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'plugin'), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, 'plugin'), 0o755)
    const file = join(folder, 'config')
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', interactiveMode: 'Never' }
    const config = {
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${server.port}` } }],
      users: [{ name: 'test', user: { exec } }],
    }
    writeFileSync(file, JSON.stringify(config))
    expect(await run({ connection: { kind: 'kubeconfig', file } })).toEqual(ended)
  })
})
