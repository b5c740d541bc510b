import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { mostQuestions } from '../policy/authorizer-questions.js'
import type { Access } from '../rbac/authorizer.js'
import { createEmbeddedAuthorizer } from '../rbac/embedded-authorizer.js'
import { clusterRole, getPods, roleBinding, subject } from '../rbac/rbac.fixture.js'
import {
  type AskedSetUp,
  allowed,
  answering,
  FakeAuthorizer,
  guardrail,
  refused,
  setUpAsking,
  unreachable,
  verdictOf,
} from './authorizer-variable.fixture.js'
import type { Decision } from './decision.js'
import { mostRounds } from './until-answered.js'

const check = (resource: string, verb = 'get', rest = '') =>
  `authorizer.group('').resource('${resource}')${rest}.check('${verb}').allowed()`

const answersOf = (answers: Readonly<Record<string, Access>>) => (line: string) => answers[line] ?? refused

/** Yes to these. */
const yes = (...lines: readonly string[]) => answersOf(Object.fromEntries(lines.map(line => [line, allowed])))

function setUp(
  documents: readonly string[],
  answer: (line: string) => Access,
  now = true,
  more: Partial<AskedSetUp> = {},
) {
  const authorizer = new FakeAuthorizer(answer, now)
  return { authorizer, ...setUpAsking({ documents, authorizers: { local: authorizer }, ...more }) }
}

const call = toolsCall('read', { namespace: 'team-a' })

/** What is decided with answers that come at once, and with others that come later: they must be the same. */
async function both(
  documents: readonly string[],
  answer: (line: string) => Access,
  body: unknown = call,
  more: Partial<AskedSetUp> = {},
): Promise<Decision> {
  const warm = setUp(documents, answer, true, more).decide(body)
  if (warm instanceof Promise) throw new Error('known answers were waited for')
  const { authorizer, decide } = setUp(documents, answer, false, more)
  const cold = await answering(decide(body), authorizer)
  expect({ verdict: verdictOf(cold), message: cold.failure?.message }).toEqual({
    verdict: verdictOf(warm),
    message: warm.failure?.message,
  })
  expect(cold.would).toEqual(warm.would)
  expect(cold.warnings).toEqual(warm.warnings)
  return warm
}

describe('authorizer in a Guardrail', () => {
  it.each<[string, string, (line: string) => Access, string]>([
    ['allows what the user may', check('pods'), yes('alice get pods /'), 'allow'],
    ['denies what the user may not', check('pods'), yes(), 'guardrail.violated'],
    [
      'asks about arguments',
      check('pods', 'delete', '.namespace(args.namespace)'),
      yes('alice delete pods team-a/'),
      'allow',
    ],
    ['asks about paths', "authorizer.path('/metrics').check('get').allowed()", yes('alice get /metrics'), 'allow'],
    [
      'asks about a ServiceAccount',
      `authorizer.serviceAccount('ns', 'sa')${check('pods').slice('authorizer'.length)}`,
      yes('system:serviceaccount:ns:sa get pods /'),
      'allow',
    ],
    ['needs no answer that cannot matter', `true || ${check('pods')}`, () => unreachable, 'allow'],
    [
      'has no error for what is not allowed',
      `!${check('pods')} && authorizer.path('/x').check('get').error() == ''`,
      yes(),
      'allow',
    ],
  ])('%s', async (_, rule, answer, verdict) => {
    expect(verdictOf(await both([guardrail('g', [rule])], answer))).toBe(verdict)
  })

  it('tells the message of a rule that is worked out from an answer', async () => {
    const document = policyDocument('Guardrail', 'g', {
      match: { servers: ['srv'] },
      variables: [{ name: 'answer', expression: "authorizer.group('').resource('pods').check('get')" }],
      validations: [
        { expression: 'variables.answer.allowed()', messageExpression: "'no: ' + variables.answer.reason()" },
      ],
    })
    const decision = await both([document], () => ({ allowed: false, reason: 'because' }))
    expect(decision.failure?.message).toBe('no: because')
  })

  it('asks each question once in a decision, whoever asks it', async () => {
    const documents = [
      guardrail('a', [check('pods'), `${check('pods')} || false`]),
      guardrail('b', [`${check('nodes')} || ${check('pods')}`], { mode: 'Audit' }),
    ]
    for (const now of [true, false]) {
      const { authorizer, decide } = setUp(documents, () => allowed, now)
      expect(verdictOf(await answering(decide(call), authorizer))).toBe('allow')
      expect(authorizer.asked.filter(line => line === 'alice get pods /')).toHaveLength(1)
    }
  })

  it('asks nothing where nobody reads it', () => {
    const { authorizer, decide } = setUp([guardrail('g', ['args.namespace == "team-a"'])], () => unreachable, false)
    expect(decide(call)).not.toBeInstanceOf(Promise)
    expect(authorizer.asked).toEqual([])
  })

  it('asks no more than the variables that are read', async () => {
    const document = guardrail('g', ['variables.small ? variables.pods : variables.nodes'], {
      variables: [
        { name: 'small', expression: 'true' },
        { name: 'nodes', expression: check('nodes') },
        { name: 'which', expression: "'pods'" },
        { name: 'pods', expression: "authorizer.group('').resource(variables.which).check('get').allowed()" },
      ],
    })
    const { authorizer, decide } = setUp([document], () => allowed, false)
    expect(verdictOf(await answering(decide(call), authorizer))).toBe('allow')
    expect(authorizer.asked).toEqual(['alice get pods /'])
  })

  it('lets all policies wait together', async () => {
    const documents = ['a', 'b', 'c', 'd'].map(name =>
      guardrail(name, [`${check(`${name}s`)} && ${check(`${name}x`)}`], name === 'd' ? { mode: 'Audit' } : {}),
    )
    const { authorizer, decide } = setUp(documents, () => allowed, false)
    const decision = decide(call)
    expect(authorizer.waiting).toHaveLength(8)
    expect(verdictOf(await answering(decision, authorizer))).toBe('allow')
    expect(authorizer.asked).toHaveLength(8)
  })

  it('notes what came of it once, however many rounds it takes', async () => {
    const chain = `authorizer.path('/' + string(${check('a')})).check('get').allowed()`
    const documents = [
      guardrail('audit', [chain], { mode: 'Audit' }),
      guardrail('warn', [chain], { mode: 'Warn' }),
      guardrail('enforce', [check('c')]),
    ]
    const { authorizer, decide, steps } = setUp(documents, yes('alice get a /', 'alice get c /'), false)
    const decision = await answering(decide(call), authorizer)
    expect(verdictOf(decision)).toBe('allow')
    expect(decision.would.map(({ policy }) => policy)).toEqual(['Guardrail/audit'])
    expect(decision.warnings).toHaveLength(1)
    const said = steps.filter(({ stage }) => stage === 'guardrails').map(({ rule, outcome }) => `${rule} ${outcome}`)
    expect(said).toEqual([
      'authorizer info',
      'authorizer info',
      'authorizer info',
      'Guardrail/audit would fail',
      'Guardrail/enforce pass',
      'Guardrail/warn warn',
    ])
  })

  it('explains what it was told', async () => {
    const { steps, decide } = setUp([guardrail('g', [check('pods', 'get', '.namespace(args.namespace)')])], () => ({
      allowed: true,
      reason: 'because of a role',
    }))
    await decide(call)
    expect(steps.find(({ rule }) => rule === 'authorizer')?.detail).toBe(
      '"alice" get pods in "team-a": allowed: because of a role',
    )
  })
})

describe('an authorizer that does not answer', () => {
  const rules = [
    check('pods'),
    `!${check('pods')}`,
    `${check('pods')} || true`,
    `authorizer.path('/x').check('get').errored() || !${check('pods')}`,
    `[1].all(i, i == 2 || !${check('pods')})`,
  ]

  it.each(rules)('denies with its own reason, whatever %s makes of it', async rule => {
    const decision = await both([guardrail('g', [rule])], () => unreachable)
    expect(verdictOf(decision)).toBe('dependency.api_server')
    expect(decision.failure?.policy).toBe('Guardrail/g')
    expect(decision.answer).toMatchObject({ kind: 'respond', status: 503 })
  })

  it.each(rules)('denies where the variable that %s is was read', async rule => {
    const documents = [
      guardrail('g', ['variables.v || true', "variables.?v.hasValue() || variables == {'v': true} || true"], {
        variables: [{ name: 'v', expression: rule }],
      }),
    ]
    expect(verdictOf(await both(documents, () => unreachable))).toBe('dependency.api_server')
  })

  it('denies where only a match condition asks', async () => {
    const conditions = [{ name: 'c', expression: check('pods') }]
    const document = guardrail('g', ['false'], { matchConditions: conditions })
    expect(verdictOf(await both([document], () => refused))).toBe('allow')
    expect(verdictOf(await both([document], () => unreachable))).toBe('dependency.api_server')
  })

  it('does not matter where another match condition is false', async () => {
    const conditions = [
      { name: 'asks', expression: check('pods') },
      { name: 'no', expression: 'args.namespace == "other"' },
    ]
    const document = guardrail('g', ['false'], { matchConditions: conditions })
    expect(verdictOf(await both([document], () => unreachable))).toBe('allow')
  })

  it('is told before what the rules say, and instead of it', async () => {
    const documents = [guardrail('a', ['false']), guardrail('b', [check('pods')], { denial: 'hide' })]
    const decision = await both(documents, () => unreachable, call, { server: { denial: 'hide' } })
    expect(verdictOf(decision)).toBe('dependency.api_server')
    expect(JSON.stringify(decision.answer)).not.toContain('false')
  })

  it.each([['Audit'], ['Warn']])('is noted, and changes nothing, in %s', async mode => {
    const decision = await both([guardrail('g', [`!${check('pods')}`], { mode })], () => unreachable)
    expect(verdictOf(decision)).toBe('allow')
    if (mode === 'Audit')
      expect(decision.would).toMatchObject([{ reason: 'dependency.api_server', policy: 'Guardrail/g' }])
    else expect(decision.warnings).toEqual(['permissions could not be looked up; try again shortly'])
  })

  it('is noted where the Server is in Audit', async () => {
    const decision = await both([guardrail('g', [check('pods')])], () => unreachable, call, {
      server: { mode: 'Audit' },
    })
    expect(verdictOf(decision)).toBe('allow')
    expect(decision.would).toMatchObject([{ reason: 'dependency.api_server' }])
  })

  it('is not waited for longer than the gateway waits', async () => {
    const { decide } = setUp([guardrail('g', [`!${check('pods')}`])], () => allowed, false)
    const started = performance.now()
    const decision = await decide(call, { deadlineMs: 150 })
    expect(verdictOf(decision)).toBe('dependency.timeout')
    // Without a deadline it would be ten seconds.
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('takes no more than half of the time from what decides where only others asked', async () => {
    const documents = [guardrail('audit', [check('slow')], { mode: 'Audit' }), guardrail('enforce', [check('quick')])]
    const { authorizer, decide } = setUp(documents, () => allowed, false)
    const started = performance.now()
    const pending = decide(call, { deadlineMs: 2000 })
    authorizer.release(authorizer.waiting.indexOf('alice get quick /'))
    const decision = await pending
    expect(verdictOf(decision)).toBe('allow')
    expect(decision.would).toMatchObject([{ reason: 'dependency.timeout', policy: 'Guardrail/audit' }])
    expect(performance.now() - started).toBeLessThan(1500)
  })

  it('may come in the second half of the time for what decides', async () => {
    const documents = [guardrail('audit', [check('never')], { mode: 'Audit' }), guardrail('enforce', [check('late')])]
    const { authorizer, decide } = setUp(documents, () => allowed, false)
    const pending = decide(call, { deadlineMs: 1000 })
    setTimeout(() => authorizer.release(authorizer.waiting.indexOf('alice get late /')), 600)
    const decision = await pending
    expect(verdictOf(decision)).toBe('allow')
    expect(decision.would).toMatchObject([{ reason: 'dependency.timeout' }])
  })

  it('is not asked anew when it was too late', async () => {
    const chain = `!${check('a')} && !authorizer.path('/x').check('get').allowed()`
    const { authorizer, decide } = setUp([guardrail('g', [chain]), guardrail('h', [check('a')])], () => allowed, false)
    expect(verdictOf(await decide(call, { deadlineMs: 120 }))).toBe('dependency.timeout')
    expect(new Set(authorizer.asked).size).toBe(authorizer.asked.length)
  })

  it('denies when it breaks its word and throws or rejects', async () => {
    const broken = {
      authorize: () => Promise.reject(new Error('secret')),
      authorizeUrl: () => Promise.reject(new Error()),
    }
    const rejecting = setUpAsking({
      documents: [guardrail('g', [`!${check('pods')}`])],
      authorizers: { local: broken },
    })
    expect(verdictOf(await rejecting.decide(call))).toBe('internal.error')
    const throwing = setUp([guardrail('g', [`!${check('pods')}`])], () => {
      throw new Error('secret')
    })
    expect(verdictOf(await throwing.decide(call))).toBe('guardrail.error')
  })
})

describe('bounds', () => {
  it('no more questions are asked than a decision may, whatever arguments hold', async () => {
    const namespaces = Array.from({ length: 500 }, (_, i) => `ns-${i}`)
    const rule = "args.list.exists(n, authorizer.group('').resource('pods').namespace(n).check('get').allowed())"
    const documents = Array.from({ length: 60 }, (_, i) => guardrail(`g${i}`, [`args.list.size() > ${i} && ${rule}`]))
    for (const now of [true, false]) {
      for (const mode of ['Enforce', 'Audit']) {
        const shifted = documents.map((_, i) =>
          guardrail(`g${i}`, [rule.replace('args.list', `args.list.slice(${i * 2}, ${i * 2 + 20})`)], { mode }),
        )
        const { authorizer, decide } = setUp(shifted, () => refused, now)
        const decision = await answering(decide(toolsCall('read', { list: namespaces })), authorizer)
        expect(verdictOf(decision)).toBe(mode === 'Enforce' ? 'guardrail.error' : 'allow')
        expect(authorizer.asked.length).toBeLessThanOrEqual(mostQuestions)
      }
    }
  })

  it('names that nothing has are no way around a rule', async () => {
    const rule = "!authorizer.group('').resource('pods').namespace(args.namespace).check('delete').allowed()"
    for (const namespace of ['n'.repeat(254), 'a/b']) {
      const decision = await both([guardrail('g', [rule])], () => allowed, toolsCall('read', { namespace }))
      expect(verdictOf(decision)).toBe('guardrail.error')
    }
  })

  it('what only observes takes no question from what decides', async () => {
    const greedy = Array.from({ length: 40 }, (_, i) =>
      guardrail(`a${i}`, [`${check(`x${i}`)} || ${check(`y${i}`)}`], { mode: 'Audit' }),
    )
    const { authorizer, decide } = setUp([...greedy, guardrail('z', [check('pods')])], yes('alice get pods /'), false)
    expect(verdictOf(await answering(decide(call), authorizer))).toBe('allow')
  })

  /** A chain of questions, each of which needs the answer to the one before. */
  function chain(length: number): string {
    const variables = Array.from({ length }, (_, i) => ({
      name: `v${i}`,
      expression: `authorizer.path('/${i}' + ${i === 0 ? "''" : `variables.v${i - 1}`}).check('get').reason()`,
    }))
    return guardrail('g', [`variables.v${length - 1} == 'x'`], { variables })
  }

  const yesBecause = (): Access => ({ allowed: true, reason: 'x' })

  it('questions may hang on one another', async () => {
    expect(verdictOf(await both([chain(mostRounds)], yesBecause))).toBe('allow')
  })

  it('but not more often than is said', async () => {
    const { authorizer, decide } = setUp([chain(mostRounds + 1)], yesBecause, false)
    const decision = await answering(decide(call), authorizer)
    expect(decision.failure).toMatchObject({ reason: 'guardrail.error', policy: 'Guardrail/g' })
    expect(decision.failure?.message).toContain(`more than ${mostRounds} times`)
  })

  it('rounds cost the decision nothing', async () => {
    const heavy =
      '[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, a + b + c + d > 0))))'
    const documents = [...Array.from({ length: 9 }, (_, i) => guardrail(`h${i}`, [heavy])), chain(5)]
    expect(verdictOf(await both(documents, yesBecause))).toBe('allow')
  })
})

describe('authorizer in a Grant', () => {
  const grant = (name: string, condition: string, more: object = {}) =>
    policyDocument('Grant', name, {
      match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
      matchConditions: [{ name: 'c', expression: condition }],
      ...more,
    })
  const without = { grant: false }

  it('gives what RBAC gives', async () => {
    const documents = [grant('g', check('pods', 'get', '.namespace(args.namespace)'))]
    expect(verdictOf(await both(documents, yes('alice get pods team-a/'), call, without))).toBe('allow')
    expect(verdictOf(await both(documents, yes('alice get pods team-b/'), call, without))).toBe('authorization.grant')
  })

  it.each([check('pods'), `!${check('pods')}`, `${check('pods')} || true`])(
    'gives nothing while nobody answers: %s',
    async condition => {
      const decision = await both([grant('g', condition)], () => unreachable, call, without)
      expect(verdictOf(decision)).toBe('dependency.api_server')
    },
  )

  it('is not waited for where another one gives', () => {
    const documents = [grant('a', check('pods')), grant('b', 'true')]
    const { decide } = setUp(documents, () => unreachable, false, without)
    const decision = decide(call)
    expect(decision).not.toBeInstanceOf(Promise)
  })

  it('gives nothing to whom only scopes are missing before it is known whether that is all', async () => {
    const documents = [grant('a', check('pods')), grant('b', 'true', { scopes: ['x'] })]
    expect(verdictOf(await both(documents, () => unreachable, call, without))).toBe('dependency.api_server')
    expect(verdictOf(await both(documents, () => refused, call, without))).toBe('authorization.scope')
    expect(verdictOf(await both(documents, () => allowed, call, without))).toBe('allow')
  })
})

describe('a batch', () => {
  const batch = [toolsCall('read', { namespace: 'team-a' }, 1), toolsCall('read', { namespace: 'team-b' }, 2)]
  const documents = [guardrail('g', [check('pods', 'get', '.namespace(args.namespace)'), check('nodes')])]
  const legacy = { server: { batches: 'legacy' } }
  const headers = { 'mcp-protocol-version': '2025-03-26' }

  it.each<[string, (line: string) => Access, string]>([
    ['all may', () => allowed, 'allow'],
    ['one may not', yes('alice get pods team-a/', 'alice get nodes /'), 'guardrail.violated'],
    ['nobody answers', () => unreachable, 'dependency.api_server'],
  ])('%s', async (_, answer, verdict) => {
    for (const now of [true, false]) {
      const { authorizer, decide } = setUp(documents, answer, now, legacy)
      const decision = await answering(decide(batch, { headers }), authorizer)
      expect(verdictOf(decision)).toBe(verdict)
      expect(authorizer.asked.filter(line => line === 'alice get nodes /')).toHaveLength(1)
    }
  })
})

describe('clusters', () => {
  const spec = {
    catalog: 'kubernetes-mcp-server',
    require: ['grants'],
    kubernetes: { cluster: 'local', defaultNamespace: 'default', contexts: { prod: 'prod' } },
  }
  const rule = guardrail('g', ["authorizer.requestResource.check('watch').allowed()"])

  function ask(args: object, name = 'pods_get') {
    const local = new FakeAuthorizer(() => allowed)
    const prod = new FakeAuthorizer(() => refused)
    const { decide } = setUpAsking({ server: spec, documents: [rule], authorizers: { local, prod } })
    const decision = decide(toolsCall(name, args))
    if (decision instanceof Promise) throw new Error('waited')
    return { decision, local: local.asked, prod: prod.asked }
  }

  it('requestResource is what the call is about', () => {
    const { decision, local } = ask({ name: 'web-0', namespace: 'team-a' })
    expect(verdictOf(decision)).toBe('allow')
    expect(local).toEqual(['alice watch pods team-a/web-0'])
  })

  it('the cluster that the call is about is asked, and no other', () => {
    const { decision, local, prod } = ask({ name: 'web-0', namespace: 'team-a', context: 'prod' })
    expect(verdictOf(decision)).toBe('guardrail.violated')
    expect(local).toEqual([])
    expect(prod).toEqual(['alice watch pods team-a/web-0'])
  })

  it('requestResource is the one that several verbs are about', () => {
    const one = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'team-a' } }
    const { decision, local } = ask({ resource: JSON.stringify(one) }, 'resources_create_or_update')
    expect({ verdict: verdictOf(decision), local }).toMatchObject({ verdict: 'allow' })
    expect(local).toEqual(['alice watch configmaps team-a/c'])
  })

  it('requestResource is not there where there is none, or more than one', () => {
    const several = ['a', 'b'].map(name => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'x' },
    }))
    const text = several.map(object => JSON.stringify(object)).join('\n---\n')
    const many = ask({ resource: text }, 'resources_create_or_update').decision
    expect(many.failure).toMatchObject({
      reason: 'guardrail.error',
      message: expect.stringContaining('authorizer.requestResource has no value'),
    })
  })
})

describe('RBAC objects of the sources', () => {
  it('answer at once', () => {
    const authorizer = createEmbeddedAuthorizer([
      clusterRole('reader', [getPods]),
      roleBinding('here', 'team-a', { kind: 'ClusterRole', name: 'reader' }, subject('User', 'alice')),
    ])
    const rule = check('pods', 'get', '.namespace(args.namespace)')
    const { decide } = setUpAsking({ documents: [guardrail('g', [rule])], authorizers: { local: authorizer } })
    const verdicts = ['team-a', 'team-b'].map(namespace => {
      const decision = decide(toolsCall('read', { namespace }))
      return decision instanceof Promise ? 'waits' : verdictOf(decision)
    })
    expect(verdicts).toEqual(['allow', 'guardrail.violated'])
  })
})

describe('places', () => {
  const load = (document: string) => () => setUp([document], () => allowed)
  const ask = check('pods')

  it.each([
    [
      'messageExpression',
      policyDocument('Guardrail', 'g', { validations: [{ expression: 'true', messageExpression: `string(${ask})` }] }),
    ],
    [
      'a header',
      policyDocument('Enrichment', 'e', {
        requestHeaders: [{ name: 'x-mcp-authz-may', valueExpression: `string(${ask})` }],
      }),
    ],
    ['a record', policyDocument('Enrichment', 'e', { record: [{ key: 'may', valueExpression: `string(${ask})` }] })],
    [
      'a condition of an Enrichment',
      policyDocument('Enrichment', 'e', {
        matchConditions: [{ name: 'c', expression: ask }],
        record: [{ key: 'a', valueExpression: "'x'" }],
      }),
    ],
    [
      'a variable of an Enrichment',
      policyDocument('Enrichment', 'e', {
        variables: [{ name: 'v', expression: ask }],
        record: [{ key: 'a', valueExpression: "'x'" }],
      }),
    ],
  ])('%s cannot ask', (_, document) => {
    expect(load(document)).toThrow('authorizer cannot be asked here')
  })
})
