import { describe, expect, it } from 'vitest'
import {
  type AuthorizationDecision,
  type AuthorizationRequest,
  type AuthorizerHost,
  authorizationKey,
  authorizerValue,
  resourceCheckValue,
} from './authorizer-value.js'
import { createCelEnvironment } from './create-environment.js'
import {
  type Activation,
  CelSuspension,
  CelValue,
  CostBudget,
  type Evaluated,
  type PartiallyEvaluated,
} from './environment.js'
import type { LibrarySet } from './library-sets.js'

/** Answers what it was told, and allows the verbs `get` and `list` when it is told. */
class Host implements AuthorizerHost {
  readonly #known = new Map<string, AuthorizationDecision>()

  check(request: AuthorizationRequest): AuthorizationDecision | 'pending' {
    return this.#known.get(authorizationKey(request)) ?? 'pending'
  }

  answer(requests: readonly AuthorizationRequest[]): void {
    for (const request of requests) {
      const allowed = request.verb === 'get' || request.verb === 'list'
      this.#known.set(authorizationKey(request), { allowed, reason: request.verb, error: undefined })
    }
  }
}

const at = (set: LibrarySet) =>
  createCelEnvironment(
    { authorizer: 'kubernetes.authorization.Authorizer', names: 'list(string)', other: 'bool', again: 'bool' },
    { set },
  )

function programOf(source: string, set: LibrarySet = 'mcp-authz/v1') {
  const compiled = at(set).compile(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
  return compiled.program
}

const names = Array.from({ length: 100 }, (_, i) => `pod-${i}`)

function activationOf(host: AuthorizerHost): Activation {
  const authorizer = authorizerValue('caller', host)
  return name => (name === 'authorizer' ? authorizer : name === 'names' ? names : undefined)
}

const waitsFor = (evaluated: Evaluated) => (evaluated.ok ? [] : (evaluated.suspended ?? []))

/** Evaluates until nothing is pending: the outcome, and how many checks each round waited for. */
function rounds(source: string, set?: LibrarySet): { outcome: unknown; waited: number[] } {
  const program = programOf(source, set)
  const host = new Host()
  const activation = activationOf(host)
  const waited: number[] = []
  for (;;) {
    const evaluated = program.evaluate(activation)
    const requests = waitsFor(evaluated)
    if (requests.length === 0) return { outcome: evaluated.ok ? evaluated.value : 'error', waited }
    waited.push(requests.length)
    host.answer(requests)
  }
}

const check = (verb: string, resource = 'pods') =>
  `authorizer.group("").resource("${resource}").check("${verb}").allowed()`

describe('an evaluation with checks', () => {
  it.each<[string, unknown, number[]]>([
    [check('get'), true, [1]],
    [check('delete'), false, [1]],
    [`authorizer.path("/x").check("delete").reason()`, 'delete', [1]],
    [`${check('get')} && ${check('list')}`, true, [2]],
    [`${check('get')} && ${check('get')}`, true, [1]],
    // What operators would absorb.
    [`${check('get')} || true`, true, [1]],
    [`true || ${check('get')}`, true, []],
    [`${check('delete')} || 1 / 0 == 1`, 'error', [1]],
    [`${check('get')} || 1 / 0 == 1`, true, [1]],
    [`1 / 0 == 1 || ${check('get')}`, true, [1]],
    [`${check('delete')} && false`, false, [1]],
    [`names.exists(n, n == "pod-9" || (n == "pod-3" && ${check('delete')}))`, true, [1]],
    // The second depends on the first.
    [`${check('get')} ? ${check('list')} : false`, true, [1, 1]],
    [`${check('delete')} ? ${check('list')} : false`, false, [1]],
    [`authorizer.path(authorizer.path("/x").check("get").reason()).check("list").allowed()`, true, [1, 1]],
    // More than can be paid for: what was asked for is answered first, and may be enough.
    [`${check('get')} || ${check('delete')} || ${check('watch')}`, true, [2]],
    [`${check('watch')} || ${check('delete')} || ${check('create')}`, 'error', [2]],
  ])('%s', (source, outcome, waited) => {
    expect(rounds(source)).toEqual({ outcome, waited })
    expect(rounds(source, 'kubernetes/1.36')).toEqual({ outcome, waited })
  })

  it('is neither a value nor an error that anything absorbs while an answer is pending', () => {
    const evaluated = programOf(`${check('get')} || true`).evaluate(activationOf(new Host()))
    expect(evaluated).toMatchObject({ ok: false, suspended: [{ kind: 'resource', resource: 'pods', verb: 'get' }] })
  })

  it('waits for as many as it can pay for, however many it would ask', () => {
    const source = `names.all(n, authorizer.group("").resource("pods").name(n).check("get").allowed())`
    for (const set of ['mcp-authz/v1', 'kubernetes/1.36'] as const) {
      expect(waitsFor(programOf(source, set).evaluate(activationOf(new Host())))).toHaveLength(2)
    }
  })

  it('shares a budget with others', () => {
    const budget = new CostBudget(60_000)
    const host: AuthorizerHost = { check: () => ({ allowed: true, reason: '', error: undefined }) }
    const program = programOf(check('get'))
    expect(program.evaluate(activationOf(host), budget).ok).toBe(true)
    expect(budget.left).toBeLessThan(25_000)
    expect(program.evaluate(activationOf(host), budget).ok).toBe(false)
  })

  it('is an error, and not suspended, where a host throws', () => {
    const host: AuthorizerHost = {
      check() {
        throw new Error('secret')
      },
    }
    const evaluated = programOf(check('get')).evaluate(activationOf(host))
    expect(evaluated).toEqual({ ok: false, error: 'the expression could not be evaluated' })
  })
})

describe('a variable that is a suspended expression', () => {
  const requests: readonly AuthorizationRequest[] = [{ kind: 'path', user: 'caller', path: '/x', verb: 'get' }]
  const suspension = new CelSuspension(requests)

  it.each(['other', 'other || true', 'true && (other || true)', 'names.exists(n, other || true)', 'other && again'])(
    'suspends what reads it: %s',
    source => {
      const activation: Activation = name => (name === 'names' ? names : suspension)
      expect(programOf(source).evaluate(activation)).toMatchObject({ ok: false, suspended: requests })
    },
  )

  it('does not suspend what does not read it', () => {
    const evaluated = programOf('true || other').evaluate(() => suspension)
    expect(evaluated).toEqual({ ok: true, value: true })
  })

  it('waits together with checks of the expression', () => {
    const host = authorizerValue('caller', new Host())
    const evaluated = programOf(`other || ${check('get')}`).evaluate(name =>
      name === 'authorizer' ? host : suspension,
    )
    expect(waitsFor(evaluated).map(({ kind }) => kind)).toEqual(['path', 'resource'])
  })
})

describe('with a part of the input unknown', () => {
  const partial = (source: string, unknown: string): PartiallyEvaluated =>
    programOf(source).evaluatePartial(activationOf(new Host()), [[unknown]])

  it('the authorizer can be that part: then nothing is asked', () => {
    expect(partial(`${check('get')} || true`, 'authorizer')).toEqual({ kind: 'value', value: true })
    expect(partial(check('get'), 'authorizer')).toMatchObject({ kind: 'unknown', paths: [['authorizer']] })
  })

  it('a pending answer suspends', () => {
    expect(partial(`other && ${check('get')}`, 'other')).toMatchObject({
      kind: 'suspended',
      requests: [{ resource: 'pods' }],
    })
  })
})

describe('users', () => {
  it.each([
    ['caller', 'authorizer', 'caller'],
    [
      'a service account that the expression names',
      'authorizer.serviceAccount("ns", "sa")',
      { name: 'system:serviceaccount:ns:sa', groups: ['system:serviceaccounts', 'system:serviceaccounts:ns'] },
    ],
  ])('%s', (_, receiver, user) => {
    const evaluated = programOf(`${receiver}.path("/x").check("get").allowed()`).evaluate(activationOf(new Host()))
    expect(waitsFor(evaluated)).toEqual([{ kind: 'path', user, path: '/x', verb: 'get' }])
  })

  it('another that the host is asked about from the beginning', () => {
    const agent = { name: 'agent:sre', groups: ['agents'] }
    const value = authorizerValue(agent, new Host())
    expect(value).toBeInstanceOf(CelValue)
    const evaluated = programOf('authorizer.path("/x").check("get").allowed()').evaluate(() => value)
    expect(waitsFor(evaluated)).toEqual([{ kind: 'path', user: agent, path: '/x', verb: 'get' }])
  })
})

describe('types of the authorizer', () => {
  it.each([
    'authorizer.check("get")',
    'authorizer.group("").check("get")',
    'authorizer.path("/").check("get")',
    'authorizer.path("/").namespace("a").check("get").allowed()',
    'authorizer == authorizer.path("/")',
  ])('refuse %s as a condition', source => {
    expect(at('mcp-authz/v1').compile(source, 'bool').ok).toBe(false)
  })

  it('are known to all sets', () => {
    for (const set of ['kubernetes/1.28', 'kubernetes/1.36', 'mcp-authz/v1'] as const) {
      expect(at(set).compile(check('get'), 'bool').ok).toBe(true)
    }
  })
})

describe('a variable with a dotted name', () => {
  const environment = createCelEnvironment({
    authorizer: 'kubernetes.authorization.Authorizer',
    'authorizer.requestResource': 'kubernetes.authorization.ResourceCheck',
    names: 'list(string)',
  })
  const host: AuthorizerHost = {
    check: request => ({ allowed: request.kind === 'resource', reason: JSON.stringify(request), error: undefined }),
  }
  const activation: Activation = name => {
    if (name === 'authorizer') return authorizerValue('caller', host)
    if (name === 'names') return names
    const resource = { group: 'apps', resource: 'deployments', namespace: 'a', name: 'web' }
    return name === 'authorizer.requestResource' ? resourceCheckValue('caller', host, resource) : undefined
  }
  const evaluate = (source: string) => {
    const compiled = environment.compile(source)
    if (!compiled.ok) return compiled.error.message
    const evaluated = compiled.program.evaluate(activation)
    return evaluated.ok ? evaluated.value : evaluated.error
  }

  it.each([
    ['authorizer.requestResource.check("get").allowed()', true],
    ['authorizer.path("/").check("get").allowed()', false],
    [`authorizer.requestResource.check("get").reason().contains('"name":"web"')`, true],
    [`authorizer.requestResource.name("").check("get").reason().contains('"name":""')`, true],
    ['names.exists(n, authorizer.requestResource.name(n).check("get").allowed())', true],
    ['authorizer.requestResource == authorizer.requestResource', true],
    // It is no field, and a local variable hides it.
    ['has(authorizer.requestResource)', "type 'kubernetes.authorization.Authorizer' does not support field selection"],
    ['authorizer.?requestResource', "type 'kubernetes.authorization.Authorizer' does not support field selection"],
    ['authorizer.requestResourc', "type 'kubernetes.authorization.Authorizer' does not support field selection"],
    ['[1].all(authorizer, authorizer.requestResource == 1)', "type 'int' does not support field selection"],
  ])('%s', (source, outcome) => {
    expect(evaluate(source)).toBe(outcome)
  })

  it('is read on its own', () => {
    const compiled = environment.compile('authorizer.requestResource.check("get").allowed()')
    expect(compiled.ok && [...compiled.program.variables]).toEqual(['authorizer.requestResource'])
    const unknown = compiled.ok && compiled.program.evaluatePartial(activation, [['authorizer.requestResource']])
    expect(unknown).toMatchObject({ kind: 'unknown', paths: [['authorizer.requestResource']] })
  })

  it.each(['a.', '.a', 'a..b', 'a.1', ''])('cannot be called %j', name => {
    expect(() => createCelEnvironment({ [name]: 'bool' })).toThrow('not a name for a variable')
  })
})

describe('a question that is not finished', () => {
  it.each([
    ['authorizer.group("").resource("pods")', "ask for a verb: .check('get').allowed()"],
    ['authorizer.path("/")', "ask for a verb: .check('get').allowed()"],
    ['authorizer.path("/").check("get")', 'ask what it says: .allowed()'],
  ])('says what is missing: %s', (source, hint) => {
    expect(at('mcp-authz/v1').compile(source, 'bool')).toMatchObject({ ok: false, error: { hint } })
  })
})
