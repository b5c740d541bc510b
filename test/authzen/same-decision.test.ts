import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envoy } from '../../gen/wire.js'
import { createDecide } from '../../src/decision/create-decide.js'
import type { Decision } from '../../src/decision/decision.js'
import { createCheckHandler } from '../../src/doors/ext-authz/check-handler.js'
import { createAuthzenDoor } from '../../src/doors/http/authzen/authzen-door.js'
import type { Authenticator } from '../../src/identity/authenticator.js'
import type { PolicySnapshot } from '../../src/policy/snapshot.js'
import type { PolicySource } from '../../src/policy/source.js'
import { isJsonObject } from '../../src/protocol/json-value.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'
import { caseRequest, serverOf } from '../hostile/support/case-request.js'
import { checkRequest } from '../hostile/support/check-request.js'
import { loadCorpus } from '../hostile/support/load-corpus.js'
import { type CorpusCheck, startCorpusCheck } from '../hostile/support/start-corpus-check.js'
import { toolsCall } from '../support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf, through } from '../support/policies.js'
import { authzenRequest } from './authzen-request.js'
import { postTo } from './post-to.js'
import { temporaryToken } from './temporary-token.js'

/** What came out, whichever door it came out of. */
interface Outcome {
  readonly passes: boolean
  readonly reason: string
}

interface Opened {
  stop(): Promise<void>
  ask(evaluation: string): Promise<{ readonly outcome: Outcome; readonly context: Record<string, unknown> }>
}

async function open(snapshot: PolicySnapshot): Promise<Opened> {
  const { tokenFile, token, remove } = temporaryToken()
  const door = createAuthzenDoor({
    decide: createDecide({ snapshot: () => snapshot }),
    listener: {
      name: 'authzen',
      trust: 'none',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      tokenFile,
      maxBodyBytes: 8 * 1024 * 1024,
    },
    findServer: id => {
      const server = snapshot.servers.byName(id) ?? snapshot.servers.all.find(one => one.resource === id)
      return server && { name: server.name, authority: server.host, path: server.path, protocol: server.protocol }
    },
    onError: () => undefined,
  })
  const address = await door.start()
  door.setReady(true)
  return {
    async stop() {
      await door.stop()
      remove()
    },
    async ask(evaluation) {
      const { status, body } = await postTo(address, '/access/v1/evaluation', evaluation, {
        authorization: `Bearer ${token}`,
      })
      if (status !== 200) return { outcome: { passes: false, reason: `HTTP ${status}` }, context: {} }
      const { decision, context } = JSON.parse(body)
      return { outcome: { passes: decision, reason: context.reason ?? '' }, context }
    },
  }
}

function readCheck(bytes: Uint8Array): Outcome & { readonly body: string; readonly status: number } {
  const { status, deniedResponse, dynamicMetadata } = envoy.service.auth.v3.CheckResponse.decode(bytes)
  return {
    passes: (status?.code ?? 0) === 0,
    reason: dynamicMetadata?.fields?.reason?.stringValue ?? '',
    body: deniedResponse?.body ?? '',
    status: deniedResponse?.status?.code ?? 200,
  }
}

const cases = loadCorpus().filter(one => one.request !== undefined)
/** Of HTTP and of the bytes of a message, which a gateway that asks by AuthZEN has dealt with itself. */
const framing = /^(?:framing|server)\./
const ofTheMessage = new Set(['authorization', 'content-type', 'content-encoding', 'content-length', 'host'])
/** JSON that AuthZEN carries is read before it is written again, so that this id becomes 0. */
const rewritten = new Set(['id-negative-zero'])

function subjectOf(token: string | undefined): string {
  const [, payload = ''] = token?.split('.') ?? []
  const json = parseStrictJson(Buffer.from(payload, 'base64url'))
  const sub = json.ok && isJsonObject(json.value) ? json.value.get('sub') : undefined
  return typeof sub === 'string' ? sub : 'alice'
}

describe('every case of the hostile corpus that AuthZEN can say', () => {
  let corpus: CorpusCheck
  let authzen: Opened
  let said = 0
  beforeAll(async () => {
    corpus = await startCorpusCheck()
    authzen = await open(corpus.snapshot)
  })
  afterAll(async () => {
    corpus.stop()
    await authzen.stop()
    // That the comparison has something to compare is part of it.
    expect(said).toBeGreaterThan(500)
  })

  it.each(cases.map(one => [`${one.file} ${one.name}`, one] as const))('%s', async (_name, one) => {
    const { method, headers, body } = caseRequest(one, corpus.place)
    const { protocol, sse } = corpus.snapshot.servers.byName(serverOf(one)) ?? {}
    const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
    const of = (name: string) => lower.filter(([known]) => known === name).map(([, value]) => value)
    const [authorization, ...more] = of('authorization')
    if (method !== 'POST' || body === undefined || protocol !== 'mcp' || sse !== undefined || more.length > 0) return
    const bearer = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? '')?.[1]
    if (authorization !== undefined && bearer === undefined) return
    const own = lower.filter(([name]) => !ofTheMessage.has(name))
    if (new Set(own.map(([name]) => name)).size < own.length) return
    const evaluation = authzenRequest({
      server: serverOf(one),
      body,
      token: bearer,
      subject: subjectOf(bearer),
      headers: Object.fromEntries(own),
    })
    const moved = one.request?.path ?? one.request?.query ?? one.request?.authority
    if (evaluation === undefined || moved !== undefined || rewritten.has(one.name)) return
    const check = readCheck(await corpus.check(checkRequest(one, corpus.place, { headers: 'raw', body: 'bytes' })))
    const { outcome } = await authzen.ask(evaluation)
    if (framing.test(check.reason)) return
    if (outcome.reason.startsWith('HTTP 400')) {
      expect(check.passes).toBe(false)
      return
    }
    said++
    expect(outcome).toEqual({ passes: check.passes, reason: check.reason })
  })
})

const alice = person('alice', ['team-a-developers'], { tenant: 'team-a' })
const people = {
  alice,
  bob: person('bob', ['viewers']),
  'alice-via-agent': through(alice, 'sre-agent'),
  'alice-via-unknown-agent': through(alice, 'other-agent', 'claimed'),
  scoped: person('carol', [], { scopes: ['files:read'] }),
}

async function twoDoors(sources: readonly PolicySource[], authenticator: Authenticator = namesAsTokens(people)) {
  const store = storeOf([catalogs, ...sources], authenticator)
  const report = store.load()
  const snapshot = store.current
  if (!report.inForce || snapshot === undefined) {
    throw new Error(report.findings.map(finding => finding.message).join('\n'))
  }
  const emergencies: Decision[] = []
  const check = createCheckHandler({
    decide: createDecide({ snapshot: () => snapshot }),
    listener: { name: 't', door: 'ext-authz', profile: 'envoy', trust: 'none' },
    onError: () => undefined,
    onEmergency: decision => emergencies.push(decision),
  })
  const authzen = await open(snapshot)
  return {
    stop: authzen.stop,
    async both(server: string, as: string | undefined, message: unknown) {
      const body = Buffer.from(JSON.stringify(message))
      const target = snapshot.servers.byName(server)
      const bytes = envoy.service.auth.v3.CheckRequest.encode({
        attributes: {
          contextExtensions: { 'mcp-server': server },
          request: {
            http: {
              ...{ method: 'POST', path: target?.path ?? '/', host: target?.host ?? '', scheme: 'https' },
              headers: {
                'content-type': 'application/json',
                accept: 'application/json, text/event-stream',
                'x-envoy-auth-partial-body': 'false',
                ...(as !== undefined && { authorization: `Bearer ${as}` }),
              },
              rawBody: body,
              size: body.length,
            },
          },
        },
      }).finish()
      const checked = readCheck(
        await check(Buffer.from(bytes), {
          ...{ deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined },
        }),
      )
      const evaluation = authzenRequest({ server, body, token: as })
      if (evaluation === undefined) throw new Error('AuthZEN cannot say this')
      return { checked, asked: await authzen.ask(evaluation) }
    },
  }
}

const scale = (replicas: unknown) =>
  toolsCall('resources_scale', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'team-a',
    name: 'web',
    scale: replicas,
  })

describe('the demo policies', () => {
  let doors: Awaited<ReturnType<typeof twoDoors>>
  beforeAll(async () => {
    doors = await twoDoors([demo])
  })
  afterAll(() => doors.stop())

  const deletion = toolsCall('pods_delete', { name: 'x', namespace: 'team-a' })
  it.each<[string, string | undefined, unknown, string]>([
    ['own namespace', 'alice', toolsCall('pods_list_in_namespace', { namespace: 'team-a' }), 'allow'],
    ['another tenant', 'alice', toolsCall('pods_list_in_namespace', { namespace: 'team-b' }), 'authorization.rbac'],
    ['all namespaces', 'alice', toolsCall('pods_list'), 'authorization.rbac'],
    ['viewer reads everywhere', 'bob', toolsCall('pods_list'), 'allow'],
    ['viewer may not write', 'bob', scale(3), 'authorization.rbac'],
    ['an invented tool', 'alice', toolsCall('pods_restart'), 'authorization.tool_unknown'],
    ['3 replicas', 'alice', scale(3), 'allow'],
    ['10 replicas', 'alice', scale(10), 'guardrail.violated'],
    ['replicas as text', 'alice', scale('3'), 'authorization.argument'],
    ['a person deletes', 'alice', deletion, 'allow'],
    ['an agent deletes', 'alice-via-agent', deletion, 'guardrail.violated'],
    ['an agent that nobody attested deletes', 'alice-via-unknown-agent', deletion, 'guardrail.violated'],
    ['a tool that is refused for all', 'alice', toolsCall('configuration_view'), 'authorization.tool_refused'],
    ['no token', undefined, toolsCall('pods_list'), 'identity.token_missing'],
    ['a bad token', 'mallory', toolsCall('pods_list'), 'identity.signature'],
    ['a list', 'bob', { jsonrpc: '2.0', id: 2, method: 'tools/list' }, 'allow'],
    ['a notification', 'bob', { jsonrpc: '2.0', method: 'notifications/initialized' }, 'allow'],
    ['an unknown method', 'bob', { jsonrpc: '2.0', id: 2, method: 'admin/reset' }, 'method.unknown'],
    ['a method of servers', 'bob', { jsonrpc: '2.0', id: 2, method: 'sampling/createMessage' }, 'method.direction'],
  ])('%s', async (_name, as, message, expected) => {
    const { checked, asked } = await doors.both('kubernetes', as, message)
    expect(asked.outcome).toEqual({ passes: checked.passes, reason: checked.reason })
    expect(checked.passes ? 'allow' : checked.reason).toBe(expected)
    if (checked.passes) return
    // The same answer for the client too, but for the decision's id.
    const response = asked.context.response as { status: number; body: string }
    const anonymous = (text: string) => text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id')
    expect(response.status).toBe(checked.status)
    expect(anonymous(response.body ?? '')).toBe(anonymous(checked.body))
  })
})

const documentOf = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind, metadata: { name }, spec })

describe('scopes and hidden tools', () => {
  let doors: Awaited<ReturnType<typeof twoDoors>>
  beforeAll(async () => {
    const everybody = [{ kind: 'Group', name: 'system:authenticated' }]
    const resource = (name: string) => `https://mcp.example.com/${name}`
    const audiences = ['https://mcp.example.com/mcp']
    doors = await twoDoors([
      memorySource({
        'a.json': documentOf('Server', 'files', { resource: resource('files'), audiences, require: ['grants'] }),
        'b.json': documentOf('Server', 'secret', {
          ...{ resource: resource('secret'), audiences, require: ['grants'], denial: 'hide' },
        }),
        'c.json': documentOf('Grant', 'write', {
          match: { servers: ['files'], tools: ['write'], subjects: everybody },
          scopes: ['files:read', 'files:write'],
        }),
      }),
    ])
  })
  afterAll(() => doors.stop())

  it('names the missing scope as ext_authz does', async () => {
    const { checked, asked } = await doors.both('files', 'scoped', toolsCall('write'))
    expect(asked.outcome).toEqual({ passes: false, reason: 'authorization.scope' })
    expect(checked).toMatchObject({ status: 403, reason: 'authorization.scope' })
    expect(asked.context.response).toMatchObject({
      status: 403,
      headers: { 'www-authenticate': expect.stringContaining('error="insufficient_scope"') },
    })
    expect(JSON.stringify(asked.context.response)).toContain('files:write')
  })

  it('says nothing to the caller of what is hidden', async () => {
    const { checked, asked } = await doors.both('secret', 'scoped', toolsCall('launch'))
    expect(asked.outcome.passes).toBe(false)
    const { reason_admin, decision_id, policy_revision, ...rest } = asked.context
    expect(reason_admin).toEqual({ en: 'authorization.grant' })
    expect(rest).toMatchObject({ id: 'hidden', reason_user: { en: 'Tool launch not found' } })
    expect(JSON.stringify(rest)).not.toContain('authorization')
    expect(checked.body).toContain('Tool launch not found')
  })
})
