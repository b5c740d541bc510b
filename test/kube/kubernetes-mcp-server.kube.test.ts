import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ToolAnswer } from '../../src/demo/clients.js'
import type { DemoAccount } from '../../src/demo/openid-people.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { type KubeStand, startKubeStand } from './support/kube-stand.js'
import {
  deletesService,
  describeNeed,
  differences,
  type Need,
  namespace,
  rolesFor,
  type ToolCase,
  toolCases,
  world,
} from './support/tool-cases.js'

const passthrough = { authorization: 'passthrough', audience: 'https://mcp.example.com/mcp' }
const account = (username: string): DemoAccount => ({ username, password: 'x', groups: [], tenant: 'shop' })

/** Everybody has exactly what the name says. */
interface Row extends Pick<ToolCase, 'tool' | 'args' | 'object'> {
  readonly user: string
  readonly has: readonly Need[]
}
const rows = toolCases.map((one, index) => {
  const { needs, beside = [] } = one
  const user = `${one.tool}-${index}`
  const lacking = needs.map((need, which) => ({
    ...one,
    user: `${user}-without-${which}`,
    has: [...needs, ...beside].filter(other => other !== need),
    missing: describeNeed(need),
  }))
  return { one, able: { ...one, user, has: [...needs, ...beside] }, lacking }
})
const different = differences.map((one, index) => ({ ...one, user: `${one.tool}-differs-${index}`, has: one.needs }))
const deleter = { ...deletesService, user: 'deleter', has: deletesService.needs }
const everybody: readonly Row[] = [...rows.flatMap(({ able, lacking }) => [able, ...lacking]), ...different, deleter]

type Verdict = 'allows' | 'denies'

describeKube('kubernetes-mcp-server behind the gateway, by the recommended set-up', () => {
  let kube: KubeStand
  beforeAll(async () => {
    kube = await startKubeStand({ accounts: everybody.map(({ user }) => account(user)), upstream: passthrough })
    for (const object of world) await kube.api.apply(object)
    for (const { user, has } of everybody) for (const object of rolesFor(user, has)) await kube.api.apply(object)
  })
  afterAll(() => kube?.stop())

  /** What is made and deleted by the calls is as it was. */
  async function prepare({ object }: Row): Promise<void> {
    const { api } = kube
    for (const made of ['pods/run', 'pods/doomed', 'configmaps/made', 'configmaps/doomed'])
      await api.admin.delete(`/api/v1/namespaces/${namespace}/${made}?gracePeriodSeconds=0`)
    if (object !== undefined) await api.apply(object)
  }

  /** What the API server says to whoever calls kubernetes-mcp-server itself, with a token of theirs. */
  async function byApiServer(row: Row): Promise<Verdict> {
    await prepare(row)
    const { isError, text } = await answerOf(kube.pastGateway(row.user), row)
    return isError && /is forbidden/.test(text) ? 'denies' : 'allows'
  }

  async function byGateway(row: Row): Promise<{ readonly verdict: Verdict; readonly reason: string | undefined }> {
    await prepare(row)
    const { isError, text } = await answerOf(kube.throughGateway(row.user), row)
    const [, reason] = /Reason: ([a-z_.]+)\./.exec(text) ?? []
    // An allowed call may still fail, for want of nodes; then the server says so, and not we.
    expect(isError && text.startsWith('Denied by policy')).toBe(reason !== undefined)
    return { verdict: reason === undefined ? 'allows' : 'denies', reason }
  }

  it('has the tools of this table, and no others', async () => {
    const client = await kube.pastGateway(rows[0]?.able.user ?? '')
    expect(new Set(toolCases.map(({ tool }) => tool))).toEqual(new Set(await client.listTools()))
    await client.close()
  })

  describe.each(rows.map(row => [`${row.one.tool} ${row.one.what ?? ''}`, row] as const))('%s', (_name, row) => {
    const { one, able, lacking } = row
    it('with all permissions', async () => {
      expect(await byApiServer(able)).toBe('allows')
      const expected = one.refused === undefined ? undefined : 'authorization.tool_refused'
      expect((await byGateway(able)).reason).toBe(expected)
    })
    it.each(lacking.map(one => [one.missing, one] as const))('without %s', async (_missing, without) => {
      expect(await byApiServer(without)).toBe('denies')
      const expected = one.refused === undefined ? 'authorization.rbac' : 'authorization.tool_refused'
      expect((await byGateway(without)).reason).toBe(expected)
    })
  })

  describe('differs, as documented', () => {
    it.each(different.map(one => [one.tool, one.what, one] as const))('%s: %s', async (_tool, _what, one) => {
      expect(await byApiServer(one)).toBe('allows')
      expect((await byGateway(one)).reason).toBe('authorization.rbac')
    })

    it('pods_delete: what else it deletes only the API server sees, and refuses', async () => {
      expect((await byGateway(deleter)).verdict).toBe('allows')
      const event = await eventually('the refusal', async () =>
        (await kube.api.audit()).find(({ user, resource }) => user === deleter.user && resource === 'services'),
      )
      expect(event).toMatchObject({ verb: 'list', status: 403 })
    })
  })

  it('names the human, and nobody else, in the audit log of the API server', async () => {
    const row = rows.find(({ one }) => one.tool === 'pods_get')?.able
    expect(row && (await byGateway(row)).verdict).toBe('allows')
    const events = await eventually('the call', async () => {
      const all = await kube.api.audit()
      return (
        all.some(({ user, resource, status }) => user === row?.user && resource === 'pods' && status === 200) && all
      )
    })
    // By itself it is nobody, and let in nowhere.
    const byServer = events.filter(one => one.userAgent.startsWith('kubernetes-mcp-server') && one.status !== 401)
    const people = new Set(everybody.map(({ user }) => user))
    expect(byServer.length).toBeGreaterThan(100)
    expect(byServer.filter(({ user }) => !people.has(user))).toEqual([])
    expect(byServer.filter(({ impersonatedUser }) => impersonatedUser !== undefined)).toEqual([])
  })

  it('leaves the work to the caller: mcp-authz asks what others may do, and changes nothing', async () => {
    const own = (await kube.api.audit()).filter(({ user }) => user === 'system:serviceaccount:mcp-authz:mcp-authz')
    const questions = own.filter(({ verb, resource }) => verb === 'create' && resource === 'subjectaccessreviews')
    expect(questions.length).toBeGreaterThan(20)
    expect(questions.filter(({ status }) => status !== 201)).toEqual([])
    const others = own.filter(one => !questions.includes(one) && !['get', 'list', 'watch'].includes(one.verb))
    expect(others).toEqual([])
  })
})

describeKube('kubernetes-mcp-server behind the gateway, with an account of its own', () => {
  let kube: KubeStand
  const reader: Need = { verb: 'list', resource: 'pods', namespace: 'default' }
  beforeAll(async () => {
    kube = await startKubeStand({
      accounts: [account('alice')],
      upstream: { authorization: 'strip' },
      serverToken: async api => api.adminToken,
    })
    for (const object of rolesFor('alice', [reader])) await kube.api.apply(object)
  })
  afterAll(() => kube?.stop())

  it('does what the human may, and the audit log names the account', async () => {
    const call = { tool: 'pods_list_in_namespace', args: { namespace: 'default' } }
    expect((await answerOf(kube.throughGateway('alice'), call)).isError).toBe(false)
    const event = await eventually('the call', async () =>
      (await kube.api.audit()).find(
        ({ verb, resource, userAgent }) =>
          verb === 'list' && resource === 'pods' && userAgent.startsWith('kubernetes-mcp-server'),
      ),
    )
    expect(event).toMatchObject({ user: 'admin', impersonatedUser: undefined, status: 200 })
  })

  it('says so when it loads', () => {
    const warnings = kube.stand.authz.logs.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(warnings.join('\n')).toContain('and never the caller')
  })
})

async function answerOf(
  connecting: ReturnType<KubeStand['throughGateway']>,
  { tool, args }: Pick<ToolCase, 'tool' | 'args'>,
): Promise<ToolAnswer> {
  const client = await connecting
  try {
    return await client.callTool(tool, { ...args })
  } finally {
    await client.close()
  }
}
