import { describe, expect, it } from 'vitest'
import { catalogs, demo, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { JsonView } from '../cel/environment.js'
import type { Call } from '../protocol/call.js'
import { inboundRequest } from '../protocol/inbound-request.fixture.js'
import { AuthorizerQuestions } from './authorizer-questions.js'
import { activationOf, type Circumstances } from './expression-environment.js'
import { policyFacts } from './policy-facts.js'

const call: Call = {
  protocol: 'mcp',
  kind: 'request',
  era: 'modern',
  version: '2026-07-28',
  id: '1',
  method: 'tools/call',
  target: { kind: 'tool', name: 'scale' },
  via: 'call_tool',
  alsoTargets: [],
  params: new Map(),
  arguments: new Map(),
  sessionId: undefined,
}

function everything(): Circumstances {
  const store = storeOf([catalogs, demo], namesAsTokens({}))
  store.load()
  const server = store.current?.servers.all[0]
  if (server === undefined) throw new Error('the demo has a Server')
  const { catalog } = server
  return {
    decisionId: 'd',
    now: 0,
    request: inboundRequest({}),
    call,
    server,
    principal: {
      ...through(person('alice', ['staff']), 'bot'),
      actors: [{ subject: 's', issuer: 'i' }],
      scopes: ['a'],
    },
    tool: 'scale',
    catalogTool: catalog?.tools.get('resources_scale'),
    operations: [
      {
        verb: 'get',
        group: '',
        version: 'v1',
        resource: 'pods',
        subresource: '',
        namespace: 'a',
        name: 'b',
        clusterScoped: false,
        object: new Map(),
      },
    ],
    images: [],
    replicas: [],
    authorizer: server.authorizer,
    questions: new AuthorizerQuestions(),
    purse: 'deciding',
  }
}

describe('policyFacts', () => {
  const circumstances = everything()
  const tool = activationOf(circumstances)
  const prompt = activationOf({ ...circumstances, call: { ...call, target: { kind: 'prompt', name: 'p' } } })
  const resource = activationOf({ ...circumstances, call: { ...call, target: { kind: 'resource', name: 'r:' } } })

  /** The values at a path, of all calls that have any. */
  function valuesAt(path: string): readonly unknown[] {
    const [variable = '', ...steps] = path.split('.')
    return steps.reduce<readonly unknown[]>(
      (values, step) =>
        values.flatMap(value => {
          if (step === '*') return Array.isArray(value) ? value.map(whole) : []
          return value instanceof Map && value.has(step) ? [whole(value.get(step))] : []
        }),
      [tool, prompt, resource].map(activation => whole(activation(variable))),
    )
  }

  it.each([...policyFacts].filter(([path]) => !path.startsWith('claims.')))('of %s are true', (path, facts) => {
    const values = valuesAt(path)
    expect(values.length).toBeGreaterThan(0)
    for (const value of values) {
      if (facts.members !== undefined) {
        expect(value).toBeInstanceOf(Map)
        const found = value instanceof Map ? [...value.keys()] : []
        expect(facts.members).toEqual(expect.arrayContaining(found))
      }
      if (facts.kind !== undefined) expect(kindOf(value)).toBe(facts.kind)
      if (facts.values !== undefined) expect(facts.values).toContain(value)
    }
    const keys = new Set(values.flatMap(value => (value instanceof Map ? [...value.keys()] : [])))
    for (const member of facts.members ?? []) expect([...keys]).toContain(member)
  })
})

function whole(value: unknown): unknown {
  return value instanceof JsonView ? value.whole() : value
}

function kindOf(value: unknown): string {
  if (value instanceof Date) return 'timestamp'
  if (value instanceof Map) return 'map'
  if (Array.isArray(value)) return 'list'
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'bool' : 'number'
}
