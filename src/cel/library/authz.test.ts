import { describe, expect, it } from 'vitest'
import {
  type AuthorizationDecision,
  type AuthorizationRequest,
  type AuthorizerHost,
  authorizationKey,
} from './authorization.js'
import { Authorizer, ResourceCheck } from './authz-values.js'
import { parseFieldSelector } from './field-selector.js'
import { costOf, run, valueOrError } from './kubernetes-libraries.fixture.js'
import { parseLabelSelector } from './label-selector.js'

const allowed: AuthorizationDecision = { allowed: true, reason: '', error: undefined }

/** Knows what it is told; everything else is pending. Notes what it is asked. */
class LearningHost implements AuthorizerHost {
  readonly asked: AuthorizationRequest[] = []
  readonly #known = new Map<string, AuthorizationDecision>()

  check(request: AuthorizationRequest): AuthorizationDecision | 'pending' {
    this.asked.push(request)
    return this.#known.get(authorizationKey(request)) ?? 'pending'
  }

  learn(requests: readonly AuthorizationRequest[], decision: AuthorizationDecision): void {
    for (const request of requests) this.#known.set(authorizationKey(request), decision)
  }
}

/** What an evaluation waits for. */
function waitingFor(expression: string, host: AuthorizerHost): readonly AuthorizationRequest[] {
  const result = run(expression, { host })
  return result.ok ? [] : (result.waiting ?? [])
}

const pods = 'authorizer.group("").resource("pods").namespace("a").check("get").allowed()'
const nodes = 'authorizer.group("").resource("nodes").check("list").allowed()'

describe('an answer that is pending', () => {
  it('suspends the evaluation, and is there in the next one', () => {
    const host = new LearningHost()
    const waiting = waitingFor(pods, host)
    expect(waiting).toEqual([
      {
        kind: 'resource',
        user: 'caller',
        verb: 'get',
        group: '',
        resource: 'pods',
        subresource: '',
        namespace: 'a',
        name: '',
        fieldSelector: undefined,
        labelSelector: undefined,
      },
    ])
    host.learn(waiting, allowed)
    expect(valueOrError(pods, { host })).toBe(true)
  })

  it.each([
    ['||', `${pods} || true`],
    ['&&', `!(${pods} && false)`],
    ['exists', `[1, 2].exists(i, i == 2 || ${pods})`],
    ['an error beside it', `${pods} || 1 / 0 > 1`],
    ['the end of the budget', `${pods} || ${nodes} || authorizer.path("/x").check("get").allowed()`],
  ])('suspends whatever %s would make of its failure', (_, expression) => {
    const host = new LearningHost()
    const waiting = waitingFor(expression, host)
    expect(waiting.length).toBeGreaterThan(0)
    host.learn(waiting, allowed)
    expect(valueOrError(expression, { host })).toBe(true)
  })

  it('is asked for together with others where both are needed, each once', () => {
    const host = new LearningHost()
    const resources = (expression: string) =>
      waitingFor(expression, host).map(request => request.kind === 'resource' && request.resource)
    expect(resources(`${pods} && ${nodes}`)).toEqual(['pods', 'nodes'])
    expect(resources(`${pods} && ${pods}`)).toEqual(['pods'])
  })
})

describe('the authorizer', () => {
  it('asks nothing when there is nothing left to pay with', () => {
    const host = new LearningHost()
    expect(run(pods, { host, budget: 349_999 }).ok).toBe(false)
    expect(host.asked).toEqual([])
  })

  it('may be asked twice in the budget of an expression, not three times', () => {
    const host: AuthorizerHost = { check: () => allowed }
    expect(valueOrError(`${pods} && ${nodes}`, { host })).toBe(true)
    expect(valueOrError(`${pods} && ${nodes} && ${pods}`, { host })).toBe('error')
    expect(costOf('authorizer.path("/x").check("get").allowed()')).toBe(350_000 + 2 + 1)
  })

  it('has checks that do not change each other', () => {
    const host = new LearningHost()
    const check = new ResourceCheck(new Authorizer(host), { group: 'apps', resource: 'deployments', namespace: 'a' })
    check.with({ namespace: 'b' }).with({ name: 'c' })
    check.check('get', { charge: () => true })
    expect(host.asked).toMatchObject([{ namespace: 'a', name: '' }])
  })

  it('speaks of a service account without what its token would add', () => {
    const host = new LearningHost()
    run('authorizer.serviceAccount("ns", "sa").path("/x").check("get").allowed()', { host })
    expect(host.asked).toMatchObject([
      {
        user: {
          name: 'system:serviceaccount:ns:sa',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:ns'],
        },
      },
    ])
  })

  it.each([
    ['ns:other', 'sa'],
    ['ns', 'sa:other'],
    ['', 'sa'],
    ['ns', ''],
    ['ns\n', 'sa'],
    ['n\u0455', 'sa'],
  ])('refuses a service account named %j %j', (namespace, name) => {
    const host = new LearningHost()
    const expression = 'authorizer.serviceAccount(ns, name).path("/x").check("get").allowed()'
    expect(valueOrError(expression, { host, variables: { ns: namespace, name } })).toBe('error')
    expect(host.asked).toEqual([])
  })
})

describe('selectors', () => {
  it.each([
    ['commas', ','.repeat(200_000)],
    ['backslashes', `a=${'\\'.repeat(200_000)}`],
    ['terms', 'a=b,'.repeat(50_000)],
    ['values', `a in (${'b,'.repeat(100_000)}b)`],
    ['names', 'a '.repeat(100_000)],
    ['exclamation marks', '!'.repeat(200_000)],
    ['parentheses', `a in ${'('.repeat(200_000)}`],
  ])('of very many %s are read in proportional time, and cost more than a budget', (_, text) => {
    const started = performance.now()
    parseFieldSelector(text)
    parseLabelSelector(text)
    expect(performance.now() - started).toBeLessThan(3_000)
    for (const method of ['fieldSelector', 'labelSelector']) {
      const expression = `authorizer.group("").resource("pods").${method}(text).check("list").allowed()`
      expect(valueOrError(expression, { variables: { text } })).toBe('error')
    }
  })

  it('are dropped where they do not parse', () => {
    expect(parseFieldSelector('a')).toBeUndefined()
    expect(parseLabelSelector('a in b')).toBeUndefined()
    expect(parseLabelSelector('a=\0')).toBeUndefined()
    expect(parseFieldSelector('')).toEqual([])
    expect(parseLabelSelector('')).toEqual([])
  })
})
