import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { Principal } from '../identity/principal.js'
import { createDecide } from './create-decide.js'
import type { Answer, Decision } from './decision.js'

const metadata = 'resource_metadata="https://srv.example.com/.well-known/oauth-protected-resource/mcp"'
const people = { kind: 'Group', name: 'system:authenticated' }

const grant = (name: string, tools: readonly string[], scopes: readonly string[], more: object = {}) =>
  policyDocument('Grant', name, { match: { servers: ['srv'], tools, subjects: [people], ...more }, scopes })

const grants = [
  grant('read', ['read', 'copy'], ['files:read']),
  grant('write', ['write', 'copy'], ['files:write', 'files:read']),
  grant('admin', ['*'], ['files:admin', 'files:read', 'files:write']),
  grant('staff-only', ['staff'], ['staff'], { subjects: [{ kind: 'Group', name: 'staff' }] }),
]

const holding = (...scopes: string[]): Principal => person('alice', [], { scopes })

function judging(spec: object, documents: readonly string[], principals: Readonly<Record<string, Principal>>) {
  const server = policyDocument('Server', 'srv', {
    resource: 'https://srv.example.com/mcp',
    require: ['grants'],
    ...spec,
  })
  const files = Object.fromEntries([server, ...documents].map((text, at) => [`${at}.yaml`, text]))
  const store = storeOf([memorySource(files)], namesAsTokens(principals))
  const { inForce, findings } = store.load()
  if (!inForce) throw new Error(findings.map(({ message }) => message).join('\n'))
  const decide = createDecide({ snapshot: () => store.current })
  return (body: unknown, as: string | undefined, more: Parameters<typeof inbound>[0] = {}): Decision => {
    const headers = { ...(as !== undefined && { authorization: `Bearer ${as}` }), ...more.headers }
    const decision = decide(inbound({ authority: 'srv.example.com', body, ...more, headers }))
    if (decision instanceof Promise) throw new Error('the pipeline waited')
    return decision
  }
}

function answered({ answer }: Decision): { status: number; challenge: string | undefined; answer: Answer } {
  if (answer.kind !== 'respond') throw new Error('it was allowed')
  const challenge = answer.headers.find(({ name }) => name === 'www-authenticate')?.value
  return { status: answer.status, challenge, answer }
}

describe('401', () => {
  const judge = judging({}, grants, {})

  it('names no error without a token, and all scopes that Grants name', () => {
    expect(answered(judge(toolsCall('read'), undefined))).toMatchObject({
      status: 401,
      challenge: `Bearer scope="files:admin files:read files:write staff", ${metadata}`,
    })
  })

  it('says invalid_token, and why, to a bad one', () => {
    expect(answered(judge(toolsCall('read'), 'unknown'))).toMatchObject({
      status: 401,
      challenge: `Bearer error="invalid_token", scope="files:admin files:read files:write staff", ${metadata}, error_description="the token is not valid"`,
    })
  })

  it('names no scopes on a Server that asks for none', () => {
    const judge = judging({ require: ['tools'] }, grants, {})
    expect(answered(judge(toolsCall('read'), undefined)).challenge).toBe(`Bearer ${metadata}`)
  })
})

describe('403 insufficient_scope', () => {
  const judge = judging({}, grants, {
    none: holding('openid'),
    reader: holding('openid', 'files:read', 'offline_access'),
    admin: holding('files:admin'),
    writer: holding('files:write', 'files:read'),
  })
  const cases: readonly (readonly [what: string, tool: string, as: string, scopes: string])[] = [
    ['the only Grant', 'read', 'none', 'files:read'],
    ['the one that lacks least', 'copy', 'none', 'files:read'],
    ['and what is held of ours, because clients replace their scopes', 'write', 'reader', 'files:read files:write'],
    ['even where another has fewer scopes in all', 'write', 'admin', 'files:admin files:read files:write'],
    ['without those that nothing here asks for', 'other', 'reader', 'files:admin files:read files:write'],
  ]
  it.each(cases)('%s', (_, tool, as, scopes) => {
    const { status, challenge } = answered(judge(toolsCall(tool), as))
    expect([status, challenge]).toEqual([403, `Bearer error="insufficient_scope", scope="${scopes}", ${metadata}`])
  })

  it('is enough: with what it names the call passes', () => {
    for (const [, tool, as] of cases) {
      const { challenge = '' } = answered(judge(toolsCall(tool), as))
      const [, scopes = ''] = /scope="([^"]*)"/.exec(challenge) ?? []
      const again = judging({}, grants, { again: holding(...scopes.split(' ')) })
      expect(again(toolsCall(tool), 'again').outcome).toBe('allow')
    }
  })

  it('is never said to whom no scope would help', () => {
    const { status, challenge } = answered(judge(toolsCall('staff'), 'none'))
    // `admin` gives every tool, for more scopes.
    expect([status, challenge]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="files:admin files:read files:write", ${metadata}`,
    ])
    const strict = judging({}, grants.slice(3), { none: holding() })
    expect(answered(strict(toolsCall('staff'), 'none'))).toMatchObject({ status: 200, challenge: undefined })
  })

  it.each([[['grants', 'tools']], [['tools', 'grants']]])(
    'not where RBAC refuses as well, whatever comes first: %s',
    require => {
      const judge = judging({ require }, grants, { none: holding() })
      const decision = judge(toolsCall('read'), 'none')
      expect(decision.failure?.reason).toBe('authorization.virtual')
      expect(answered(decision)).toMatchObject({ status: 200, challenge: undefined })
    },
  )

  it('says at once what user and agent lack', () => {
    const only = (name: string) => ({ subjects: [{ kind: 'User', name }] })
    const each = [
      grant('user', ['*'], ['for:user', 'both'], only('alice')),
      grant('agent', ['*'], ['for:agent'], only('agent:demo:sre')),
    ]
    const principals = { agent: through(holding('both'), 'sre') }
    const judge = judging({ principals: ['user', 'agent'] }, each, principals)
    expect(answered(judge(toolsCall('read'), 'agent')).challenge).toContain('scope="both for:agent for:user"')
    // One Grant that gives to both is less than two.
    const shared = judging({ principals: ['user', 'agent'] }, [...each, grant('all', ['*'], ['x:all'])], principals)
    expect(answered(shared(toolsCall('read'), 'agent')).challenge).toContain('scope="both x:all"')
  })

  it('asks anonymous callers for a token that has the scopes', () => {
    const anonymous = { ...holding(), kind: 'anonymous' as const }
    const judge = judging({}, grants, { nobody: anonymous })
    expect(answered(judge(toolsCall('read'), 'nobody'))).toMatchObject({
      status: 401,
      challenge: `Bearer scope="files:read", ${metadata}`,
    })
  })
})

describe('any Grants', () => {
  const scopes = ['a', 'b', 'c', 'd']
  const sets = Array.from({ length: 2 ** scopes.length }, (_, bits) => scopes.filter((_scope, at) => (bits >> at) & 1))
  const everybody = Object.fromEntries(sets.map(set => [`with-${set.join('')}`, holding(...set)]))
  const some = fc.tuple(
    fc.subarray(['read', 'write'], { minLength: 1 }),
    fc.subarray(scopes, { minLength: 1 }),
    fc.constantFrom({}, { subjects: [{ kind: 'Group', name: 'staff' }] }),
  )

  it('the challenge is enough, and nothing less would be', () => {
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 4 }), fc.subarray(scopes), (given, held) => {
        const documents = given.map(([tools, needed, more], at) => grant(`g${at}`, tools, needed, more))
        const judge = judging({}, documents, everybody)
        const passes = (set: readonly string[]) =>
          judge(toolsCall('read'), `with-${scopes.filter(one => set.includes(one)).join('')}`).outcome === 'allow'
        if (passes(held)) return
        const { challenge } = answered(judge(toolsCall('read'), `with-${held.join('')}`))
        const larger = sets.filter(set => held.every(scope => set.includes(scope)) && passes(set))
        if (challenge === undefined) {
          expect(larger).toEqual([])
          return
        }
        const [, named = ''] = /scope="([^"]*)"/.exec(challenge) ?? []
        const asked = named.split(' ')
        expect(passes(asked)).toBe(true)
        const fewest = Math.min(...larger.map(set => set.length - held.length))
        expect(asked.filter(scope => !held.includes(scope))).toHaveLength(fewest)
      }),
      { numRuns: 150 },
    )
  })
})

describe('a batch', () => {
  const judge = judging({ batches: 'legacy' }, grants, { none: holding(), reader: holding('files:read') })
  const batch = (...tools: string[]) => tools.map((tool, at) => toolsCall(tool, {}, at))

  it('is asked for the scopes of all its messages', () => {
    expect(answered(judge(batch('read', 'write'), 'none'))).toMatchObject({
      status: 403,
      challenge: `Bearer error="insufficient_scope", scope="files:read files:write", ${metadata}`,
    })
    expect(answered(judge(batch('read', 'write'), 'reader')).challenge).toContain('scope="files:read files:write"')
  })

  it('is asked for none when something else is wrong with one', () => {
    const judge = judging({ batches: 'legacy' }, grants.slice(0, 1), { none: holding() })
    const { status, challenge, answer } = answered(judge(batch('read', 'nothing'), 'none'))
    expect([status, challenge]).toEqual([200, undefined])
    expect(answer.kind === 'respond' && JSON.parse(answer.body)).toMatchObject([
      { id: 0, result: { isError: true } },
      { id: 1, result: { isError: true } },
    ])
  })
})

describe('to a browser', () => {
  const judge = judging({}, grants, { none: holding() })
  const origin = { headers: { origin: 'https://agent.example.com' } }
  const headersOf = (decision: Decision) =>
    new Map(decision.answer.kind === 'respond' ? decision.answer.headers.map(({ name, value }) => [name, value]) : [])

  it.each([
    ['401', undefined],
    ['403', 'none'],
  ])('the challenge of a %s is readable', (_, as) => {
    const headers = headersOf(judge(toolsCall('read'), as, origin))
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    expect(headersOf(judge(toolsCall('read'), as)).has('access-control-allow-origin')).toBe(false)
  })

  it('a hidden denial looks as it does to everybody', () => {
    const judge = judging({ denial: 'hide' }, grants.slice(3), { none: holding() })
    const headers = headersOf(judge(toolsCall('read'), 'none', origin))
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('the metadata of a protected resource', () => {
  const judge = judging({}, grants, {})
  const path = '/.well-known/oauth-protected-resource/mcp'
  const ask = (method: string, at = path, headers = {}) => {
    const { answer } = judge(undefined, undefined, { method, path: at, headers })
    if (answer.kind !== 'respond') throw new Error('it was passed on')
    return { ...answer, headers: new Map(answer.headers.map(({ name, value }) => [name, value])) }
  }

  it('says what the challenge says', () => {
    const { status, body, headers } = ask('GET')
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    expect(JSON.parse(body)).toEqual({
      resource: 'https://srv.example.com/mcp',
      authorization_servers: ['https://idp.example.com'],
      scopes_supported: ['files:admin', 'files:read', 'files:write', 'staff'],
      bearer_methods_supported: ['header'],
      resource_name: 'srv',
    })
  })

  it('can be asked for by HEAD, unlike the endpoint', () => {
    expect(ask('HEAD').status).toBe(200)
    expect(ask('HEAD', '/.well-known/oauth-protected-resource').status).toBe(404)
    expect(judge(undefined, 'none', { method: 'HEAD', path: '/mcp' }).failure?.reason).toBe('framing.http_method')
  })

  it('can be asked for by a browser', () => {
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
    const { status, headers, body } = ask('OPTIONS', path, preflight)
    expect([status, body]).toEqual([204, ''])
    expect(headers.get('access-control-allow-headers')).toBe('*')
    expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD')
  })

  it('cannot be changed', () => {
    const { status, headers } = ask('DELETE')
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  it('stands at the root only for a resource at the root', () => {
    const root = judging({ resource: 'https://srv.example.com' }, grants, {})
    const { answer } = root(undefined, undefined, { method: 'GET', path: '/.well-known/oauth-protected-resource' })
    expect(answer.kind === 'respond' && JSON.parse(answer.body)).toMatchObject({ resource: 'https://srv.example.com' })
    expect(ask('GET', '/.well-known/oauth-protected-resource').status).toBe(404)
  })
})
