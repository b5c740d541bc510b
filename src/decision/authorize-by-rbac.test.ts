import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { UserInfo } from '../identity/principal.js'
import type { MatchedCall } from '../policy/match.js'
import type { Call, Target } from '../protocol/call.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import { abandon } from './abandoned-requests.js'
import { authorizeCall } from './authorize-call.js'
import { createDecide } from './create-decide.js'
import type { Decision } from './decision.js'
import { newTrial } from './trial.js'

const allowed: Access = { allowed: true, reason: '' }
const denied: Access = { allowed: false, reason: '' }
const timeout: Access = { allowed: false, failed: 'dependency.timeout', reason: 'slow' }
const settled = () => new Promise(resolve => setImmediate(resolve))

type Say = (user: UserInfo, attributes: ResourceAttributes) => Access

/** Keeps every question until it is answered, but for those that it knows already. */
function slowAuthorizer(say: Say, known: Say | undefined = undefined) {
  const asked: string[] = []
  const waiting = new Map<string, () => void>()
  const authorizer: Authorizer = {
    authorize(user, attributes) {
      const { verb, resource, subresource, name } = attributes
      const question = `${user.username} ${verb} ${resource}${subresource && `/${subresource}`} ${name}`
      asked.push(question)
      if (known !== undefined) return known(user, attributes)
      return new Promise(resolve => waiting.set(question, () => resolve(say(user, attributes))))
    },
    authorizeUrl: () => denied,
  }
  const answer = async (question: string) => {
    const resolve = waiting.get(question)
    if (resolve === undefined) throw new Error(`not asked: ${question}; but ${[...waiting.keys()].join(', ')}`)
    waiting.delete(question)
    resolve()
    await settled()
  }
  return { authorizer, asked, waiting, answer }
}

const catalog = policyDocument('ToolCatalog', 'tools', {
  tools: {
    apply: { access: 'write', operations: [{ verbs: ['create', 'patch'], manifest: { argument: 'resource' } }] },
  },
})
const configMap = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: dev\ndata:\n  a: "1"\n`

function setUp(spec: object, authorizer: Authorizer) {
  const server = policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', ...spec })
  const principals = { alice: through(person('alice'), 'bot') }
  const store = storeOf([memorySource({ 'a.yaml': server, 'b.yaml': catalog })], namesAsTokens(principals))
  const report = store.load()
  const snapshot = store.current
  const loaded = snapshot?.servers.byName('srv')
  if (snapshot === undefined || loaded === undefined)
    throw new Error(report.findings.map(finding => finding.message).join('\n'))
  Object.assign(loaded, { authorizer, authorizers: new Map([['local', authorizer]]) })
  const records: { readonly rbac?: readonly Record<string, unknown>[] }[] = []
  const decide = createDecide({
    snapshot: () => snapshot,
    onDecided: decided => records.push(JSON.parse(decided.record())),
  })
  const judge = (body: unknown, deadline?: number) =>
    decide({
      ...inbound({ authority: 'srv.example.com', headers: { authorization: 'Bearer alice' }, body }),
      deadline,
    })
  return { judge, records, snapshot, server: loaded, principal: principals.alice }
}

const verdict = ({ outcome, failure }: Decision) => failure?.reason ?? outcome
const apply = (...names: string[]) => toolsCall('apply', { resource: names.map(configMap).join('---\n') })

describe('operations of one call', () => {
  const spec = { require: ['operations'], principals: ['user', 'agent'], catalog: 'tools' }

  it('are all asked about before the first answer, for the user and for the agent', async () => {
    const slow = slowAuthorizer(() => allowed)
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a', 'b'))
    expect(slow.asked).toEqual([
      'alice create configmaps a',
      'alice patch configmaps a',
      'alice create configmaps b',
      'alice patch configmaps b',
      'agent:demo:bot create configmaps a',
      'agent:demo:bot patch configmaps a',
      'agent:demo:bot create configmaps b',
      'agent:demo:bot patch configmaps b',
    ])
    for (const question of [...slow.asked].reverse()) await slow.answer(question)
    expect(verdict(await decision)).toBe('allow')
  })

  it('are judged in order: the first that is denied is what the caller hears, whatever comes first', async () => {
    const say: Say = (_user, { name, verb }) =>
      name === 'b' && verb === 'create' ? denied : name === 'c' ? timeout : allowed
    const slow = slowAuthorizer(say)
    const { judge, records } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a', 'b', 'c'))
    for (const question of [...slow.asked].reverse()) await slow.answer(question)
    const { failure } = await decision
    expect(failure?.reason).toBe('authorization.rbac')
    expect(failure?.message).toContain('cannot create resource "configmaps" "b"')
    expect(JSON.stringify(records[0])).not.toContain('"c"')
    const warm = setUp(spec, slowAuthorizer(say, say).authorizer)
    const now = warm.judge(apply('a', 'b', 'c'))
    expect(now).not.toBeInstanceOf(Promise)
    expect((await now).failure).toEqual(failure)
  })

  it('that cannot be looked up are the failure of what could not be reached', async () => {
    const slow = slowAuthorizer((_user, { name }) => (name === 'a' ? timeout : denied))
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a', 'b'))
    for (const question of slow.asked) await slow.answer(question)
    expect(verdict(await decision)).toBe('dependency.timeout')
  })

  it('the agent is asked about on its own', async () => {
    const slow = slowAuthorizer(({ username }) => (username === 'alice' ? allowed : denied))
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a'))
    for (const question of slow.asked) await slow.answer(question)
    expect((await decision).failure?.message).toContain('agent "agent:demo:bot" cannot create')
  })

  it('are at most 16 at once, however many documents a manifest has', async () => {
    const slow = slowAuthorizer(() => allowed)
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply(...Array.from({ length: 20 }, (_, at) => `n${at}`)))
    for (let answered = 0; answered < 80; answered++) {
      expect(slow.waiting.size).toBe(Math.min(16, 80 - answered))
      await slow.answer([...slow.waiting.keys()][0] ?? '')
    }
    expect(verdict(await decision)).toBe('allow')
    expect(slow.asked).toHaveLength(80)
  })

  it('of which all are known are judged now, and nothing is asked beyond the first that is denied', async () => {
    const say: Say = (_user, { verb }) => (verb === 'patch' ? denied : allowed)
    const slow = slowAuthorizer(say, say)
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a', 'b'))
    if (decision instanceof Promise) throw new Error('the pipeline waited')
    expect(verdict(decision)).toBe('authorization.rbac')
    expect(slow.asked).toHaveLength(2)
  })

  it('end with dependency.timeout when the gateway waits no longer', async () => {
    const slow = slowAuthorizer(() => allowed)
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(apply('a'), Date.now() - 1)
    await slow.answer('alice create configmaps a')
    expect(verdict(await decision)).toBe('dependency.timeout')
  })
})

describe('virtual resources', () => {
  const spec = { require: ['tools'] }

  it('are asked about by the finer question first, and by the coarser one only if it must be', async () => {
    const slow = slowAuthorizer((_user, { resource }) => (resource === 'servers' ? allowed : denied))
    const { judge } = setUp(spec, slow.authorizer)
    const decision = judge(toolsCall('read'))
    expect(slow.asked).toEqual(['alice call tools srv.read'])
    await slow.answer('alice call tools srv.read')
    await slow.answer('alice call servers/tools srv')
    expect(verdict(await decision)).toBe('allow')
  })

  it.each([
    ['neither allows', denied, 'authorization.virtual'],
    ['it could not be asked', timeout, 'dependency.timeout'],
  ])('deny where %s', async (_what, access, reason) => {
    const { judge } = setUp(
      spec,
      slowAuthorizer(
        () => access,
        () => access,
      ).authorizer,
    )
    expect(verdict(await judge(toolsCall('read')))).toBe(reason)
  })
})

describe('a call with many targets', () => {
  const uri = (at: number) => `file:///n${at}`
  const target = (at: number): Target => ({ kind: 'resource', name: uri(at) })

  function listen(count: number, authorizer: Authorizer) {
    const { snapshot, server, principal } = setUp({ require: ['tools'] }, authorizer)
    const call: Call = {
      protocol: 'mcp',
      era: 'modern',
      version: '2026-07-28',
      kind: 'request',
      id: '1',
      method: 'subscriptions/listen',
      target: { kind: 'none' },
      alsoTargets: Array.from({ length: count }, (_, at) => target(at)),
      arguments: undefined,
      params: undefined,
      sessionId: undefined,
    }
    const request = inbound()
    const trial = Object.assign(newTrial(request, snapshot, 0, undefined), { server, principal, call })
    const matched: MatchedCall = { server: 'srv', call, tool: undefined, catalogTool: undefined }
    return { verdict: authorizeCall(trial, matched), trial, request }
  }

  it('has the next ones asked about ahead, and is judged one by one', async () => {
    // Like the authorizers that ask: equal questions at the same time are one, and answers are known afterwards.
    const answers = new Map<string, Access | Promise<Access>>()
    const asked: string[] = []
    const authorizer: Authorizer = {
      authorize(_user, { name }) {
        const known = answers.get(name)
        if (known !== undefined) return known
        asked.push(name)
        const flight = settled().then(() => {
          answers.set(name, allowed)
          return allowed
        })
        answers.set(name, flight)
        return flight
      },
      authorizeUrl: () => denied,
    }
    const { verdict: pending, trial } = listen(40, authorizer)
    expect(asked).toHaveLength(17)
    expect(await pending).toBeUndefined()
    expect(asked).toHaveLength(40)
    expect(trial.asked.map(({ operation }) => operation.name)).toEqual(
      Array.from({ length: 40 }, (_, at) => `srv.${uri(at)}`),
    )
  })

  it('asks nothing more when its request was given up', async () => {
    const slow = slowAuthorizer(() => allowed)
    const { verdict: pending, request } = listen(40, slow.authorizer)
    abandon(request)
    await slow.answer(`alice read resources srv.${uri(0)}`)
    expect(await pending).toMatchObject({ reason: 'dependency.timeout' })
    expect(slow.asked).toHaveLength(17)
  })
})
