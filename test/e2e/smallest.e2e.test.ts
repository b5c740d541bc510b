import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectedClient, connectV1 } from '../../src/demo/clients.js'
import { packageRoot } from '../../src/package-root.js'
import { eventually } from './support/eventually.js'
import { type Stand, startStand } from './support/stand.js'

describe.each([
  ['', {}],
  [', on our own transport', { transport: 'native' }],
] as const)('the smallest set-up, as the README shows it%s', (_name, options) => {
  let stand: Stand
  let client: ConnectedClient<unknown>
  beforeAll(async () => {
    stand = await startStand({ ...options, serverIgnoresTokens: true, policies: { 'smallest.yaml': smallestSetUp() } })
    client = await connectV1({ url: stand.url, token: await stand.idp.login('alice') })
  })
  afterAll(async () => {
    await client?.close()
    await stand?.stop()
  })

  it('is two documents', () => {
    expect(smallestSetUp().match(/^kind: /gm)).toHaveLength(2)
  })

  it('lets every call pass, and records what Enforce would have denied', async () => {
    const answer = await client.callTool('pods_list_in_namespace', { namespace: 'team-b' })
    expect(answer).toMatchObject({ isError: false })
    expect(answer.text).toContain('web-')
    const record = await eventually('the record', () =>
      stand.authz.records.find(({ mcp }) => mcp?.method === 'tools/call'),
    )
    expect(record).toMatchObject({
      mode: 'audit',
      decision: 'allow',
      would_deny: [{ reason: 'authorization.rbac' }],
      subject: { user: 'alice' },
      server: 'kubernetes',
      mcp: { target: { kind: 'tool', name: 'pods_list_in_namespace' } },
    })
  })

  it('has nothing against a session as such', () => {
    const others = stand.authz.records.filter(({ mcp }) => mcp !== undefined && mcp.method !== 'tools/call')
    expect(others.length).toBeGreaterThan(0)
    expect(others.flatMap(({ would_deny }) => would_deny ?? [])).toEqual([])
  })

  it('loads without an error, and says loudly that it denies nothing', async () => {
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
    expect(stand.authz.logs.map(({ message }) => message).join('\n')).toContain('nothing is denied')
    expect((await stand.authz.readiness()).reasons.join('\n')).toContain('the Server kubernetes denies nothing')
  })
})

/** The first YAML block of the README, with the issuer's realm and audience in the form that the stand replaces. */
function smallestSetUp(): string {
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8')
  const [, block] = /^```yaml\n([\s\S]*?)^```$/m.exec(readme) ?? []
  if (block === undefined) throw new Error('README.md has no YAML block')
  return block
    .replaceAll('https://idp.example.com/realms/acme', 'https://idp.example.com')
    .replaceAll('mcp-gateway', 'https://mcp.example.com/mcp')
}
