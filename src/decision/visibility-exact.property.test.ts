import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { createDecide } from './create-decide.js'
import { createVisibility, type ListedItem } from './visibility.js'

/**
 * Policies whose truth can be solved for: every question about a value is asked once, of a value of its own. Then what lists
 * show is exactly what can be done, which is found out by trying all values. VISIBILITY_RUNS says how many are tried.
 */

const numRuns = Number(process.env.VISIBILITY_RUNS ?? 300)
const time = 20_000 + numRuns * 100

/** A question about one value, in the place of `#`; values that answer it yes, and no; absence does where it is `undefined`. */
const questions: readonly (readonly [text: string, yes: unknown, no: unknown])[] = [
  ['args.#', true, false],
  ['args.# < 5', 1, 9],
  ['args.# == "x"', 'x', 'y'],
  ['has(args.#)', 1, undefined],
  ['!has(args.#)', undefined, 1],
  ['args.#.startsWith("x")', 'xy', 'ab'],
  ['args.#.exists(v, v > 3)', [1, 5], [1]],
  ['size(args.#) > 1', 'ab', 'a'],
  ['args.#.all(k, k != "z")', { a: 1 }, { z: 1 }],
  ['"x-#" in request.headers', 'header', undefined],
]

interface Asked {
  readonly name: string
  readonly question: (typeof questions)[number]
}

/** Known before the call. */
const facts = [
  ...[
    'true',
    'false',
    'user.username == "alice"',
    '"dev" in user.groups',
    'principal.throughAgent',
    'size(scopes) > 0',
  ],
  ...['"read" in scopes', 'claims.sub == "alice"', 'mcp.tool.access == "read"', 'mcp.tool.name.startsWith("a")'],
  ...['request.path == "/mcp"', 'mcp.method == "tools/call"', 'agent.id == "bot"', 'server.name == "srv"'],
]
/** Known to fail: which denies, wherever it matters. */
const failing = ['claims.nothing == "x"', 'tenant == "nobody"', 'int(user.username) > 1']

/** How an expression is put together; leaves are numbers, so that a question is only chosen when its place is known. */
type Plan =
  | { readonly kind: 'fact' | 'failing' | 'question'; readonly pick: number }
  | { readonly kind: 'not'; readonly of: Plan }
  | { readonly kind: 'and' | 'or'; readonly left: Plan; readonly right: Plan }
  | { readonly kind: 'if'; readonly pick: number; readonly left: Plan; readonly right: Plan }

function plans(leaves: fc.Arbitrary<Plan>): fc.Arbitrary<Plan> {
  const { plan } = fc.letrec<{ plan: Plan }>(tie => ({
    plan: fc.oneof(
      { maxDepth: 2, depthIdentifier: 'plan' },
      leaves,
      fc.record({ kind: fc.constant('not' as const), of: tie('plan') }),
      fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('plan'), right: tie('plan') }),
      fc.record({ kind: fc.constant('if' as const), pick: fc.nat(99), left: tie('plan'), right: tie('plan') }),
    ),
  }))
  return plan
}
const pick = fc.nat(99)
const fact = fc.record({ kind: fc.constant('fact' as const), pick })
const question = fc.record({ kind: fc.constant('question' as const), pick })
const failure = fc.record({ kind: fc.constant('failing' as const), pick })
const solvable = plans(fc.oneof({ weight: 2, arbitrary: fact }, { weight: 3, arbitrary: question }))
const anything = plans(
  fc.oneof({ weight: 2, arbitrary: fact }, { weight: 3, arbitrary: question }, { weight: 1, arbitrary: failure }),
)

const at = <T>(list: readonly T[], index: number): T => {
  const found = list[index % list.length]
  if (found === undefined) throw new Error('an empty list')
  return found
}

/** Writes expressions, and notes what they ask. Beyond the limit, facts stand in place of questions. */
class Writer {
  readonly asked: Asked[] = []
  readonly #limit: number
  readonly #again: boolean

  /** @param again whether a value may be asked about more than once */
  constructor(limit: number, again: boolean) {
    this.#limit = limit
    this.#again = again
  }

  write(plan: Plan): string {
    switch (plan.kind) {
      case 'fact':
        return at(facts, plan.pick)
      case 'failing':
        return at(failing, plan.pick)
      case 'question':
        return this.#ask(plan.pick)
      case 'not':
        return `!(${this.write(plan.of)})`
      case 'and':
        return `(${this.write(plan.left)}) && (${this.write(plan.right)})`
      case 'or':
        return `(${this.write(plan.left)}) || (${this.write(plan.right)})`
      case 'if':
        return `(${at(facts, plan.pick)}) ? (${this.write(plan.left)}) : (${this.write(plan.right)})`
    }
  }

  #ask(pick: number): string {
    const { asked } = this
    if (this.#again && asked.length > 0 && pick % 3 === 0) return textOf(at(asked, pick))
    if (asked.length === this.#limit) return this.#again ? textOf(at(asked, pick)) : at(facts, pick)
    const one = { name: `v${asked.length}`, question: at(questions, pick) }
    asked.push(one)
    return textOf(one)
  }
}

function textOf({ name, question: [text] }: Asked): string {
  return text.replace('#', name)
}

/** Every way to answer: yes, no, and with `absences` not at all. */
function* answersTo(asked: readonly Asked[], absences: boolean): Generator<readonly (readonly [Asked, unknown])[]> {
  const [first, ...others] = asked
  if (first === undefined) {
    yield []
    return
  }
  const [, yes, no] = first.question
  const values = new Set(absences ? [yes, no, undefined] : [yes, no])
  for (const rest of answersTo(others, absences)) for (const value of values) yield [[first, value], ...rest]
}

const someMatch = fc.record(
  {
    tools: fc.constantFrom(['a*'], ['b'], ['*']),
    access: fc.constantFrom(['read'], ['write', 'delete']),
    labels: fc.constantFrom({ risk: 'high' }, { risk: ['low', 'h*'] }),
    subjects: fc.constantFrom([{ kind: 'Group', name: 'dev' }], [{ kind: 'User', name: 'b*' }]),
    agents: fc.constantFrom([{ kind: 'Agent', name: 'demo:*' }], [{ kind: 'Agent', name: 'demo:other' }]),
  },
  { requiredKeys: [] },
)
const match: typeof someMatch = fc.oneof(fc.constant({}), someMatch)

function policies(plan: fc.Arbitrary<Plan>) {
  const few = (least: number, most: number) => fc.array(plan, { minLength: least, maxLength: most })
  return fc.record({
    guardrails: fc.array(
      fc.record({
        match,
        conditions: few(0, 2),
        validations: few(1, 2),
        variable: fc.option(plan, { nil: undefined }),
        mode: fc.constantFrom('Enforce', 'Enforce', 'Enforce', 'Audit', 'Warn'),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    grants: fc.array(
      fc.record({ match, conditions: few(0, 2), scopes: fc.constantFrom(undefined, undefined, ['read'], ['admin']) }),
      { maxLength: 2 },
    ),
    /** So that enough is allowed. */
    everything: fc.constantFrom(true, true, true, false),
    principals: fc.constantFrom(['user'], ['user'], ['user', 'agent'], ['agent']),
    caller: fc.constantFrom<keyof typeof callers>('alice', 'attested', 'claimed', 'bob'),
  })
}
type Policies = typeof policies extends (...args: never[]) => fc.Arbitrary<infer T> ? T : never

const alice = person('alice', ['dev'])
const callers = {
  alice,
  attested: through(alice, 'bot'),
  claimed: through(alice, 'bot', 'claimed'),
  bob: { ...person('bob', ['ops']), scopes: ['read'], tenant: 'acme' },
}

const catalog = policyDocument('ToolCatalog', 'own', {
  tools: {
    a: { access: 'read', operations: 'none', labels: { risk: 'low' } },
    ab: { access: 'write', operations: 'none', labels: { risk: 'high' } },
    b: { access: 'delete', operations: 'none' },
  },
})
const items: readonly ListedItem[] = [
  ...['a', 'ab', 'b'].map(name => ({ kind: 'tool', name }) as const),
  { kind: 'resource', name: 'demo://a' },
]

function judgeDocuments(documents: readonly string[], caller: keyof typeof callers) {
  const files = Object.fromEntries(documents.map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([memorySource(files)], namesAsTokens(callers))
  const report = store.load()
  const snapshot = store.current
  const server = snapshot?.servers.byName('srv')
  if (!report.inForce || snapshot === undefined || server === undefined)
    throw new Error(report.findings.map(({ message }) => message).join('\n'))
  const principal = callers[caller]
  const visibility = createVisibility({ snapshot, server, principal, authority: 'srv.example.com', path: '/mcp' })
  const decide = createDecide({ snapshot: () => snapshot })
  return {
    shows(item: ListedItem): boolean {
      const judged = visibility.judge(item)
      if (judged instanceof Promise) throw new Error('the list waited')
      if (!judged.shown && judged.why.reason === 'internal.error') throw new Error(judged.why.message)
      return judged.shown
    },
    allows(method: string, params: object, headers: Readonly<Record<string, string>> = {}): boolean {
      const decision = decide(
        inbound({
          authority: 'srv.example.com',
          headers: { authorization: `Bearer ${caller}`, ...headers },
          body: { jsonrpc: '2.0', id: 1, method, params },
        }),
      )
      if (decision instanceof Promise) throw new Error('the pipeline waited')
      return decision.outcome === 'allow'
    },
  }
}

interface SetUp {
  readonly drawn: Policies
  readonly writer: Writer
}

function setUp({ drawn, writer }: SetUp) {
  const conditionsOf = (conditions: readonly Plan[]) =>
    conditions.length === 0
      ? {}
      : {
          matchConditions: conditions.map((plan, index) => ({ name: `c${index}`, expression: writer.write(plan) })),
        }
  const everybody = [{ kind: 'Group', name: 'system:authenticated' }]
  const documents = [
    catalog,
    policyDocument('Server', 'srv', {
      resource: 'https://srv.example.com/mcp',
      catalog: 'own',
      require: ['grants'],
      principals: drawn.principals,
    }),
    ...drawn.guardrails.map(({ match, conditions, validations, variable, mode }, index) =>
      policyDocument('Guardrail', `g${index}`, {
        match: { servers: ['srv'], ...match },
        ...conditionsOf(conditions),
        ...(variable && { variables: [{ name: 'own', expression: writer.write(variable) }] }),
        validations: [
          ...validations.map(plan => ({ expression: writer.write(plan), message: 'no' })),
          ...(variable ? [{ expression: 'variables.own', message: 'no' }] : []),
        ],
        mode,
      }),
    ),
    ...drawn.grants.map(({ match, conditions, scopes }, index) =>
      policyDocument('Grant', `p${index}`, {
        match: { servers: ['srv'], ...(!('subjects' in match) && { subjects: everybody }), ...match },
        ...(scopes && { scopes }),
        ...conditionsOf(conditions),
        allowClaimed: true,
      }),
    ),
    ...(drawn.everything
      ? [
          policyDocument('Grant', 'users', { match: { servers: ['srv'], subjects: everybody } }),
          policyDocument('Grant', 'agents', {
            match: { servers: ['srv'], agents: [{ kind: 'Agent', name: '*' }] },
            allowClaimed: true,
          }),
        ]
      : []),
  ]
  const { shows, allows } = judgeDocuments(documents, drawn.caller)
  return {
    shows,
    /** Answers with which it is allowed. */
    allowedBy({ kind, name }: ListedItem, absences: boolean) {
      for (const answers of answersTo(writer.asked, absences)) {
        const given = answers.filter(([, value]) => value !== undefined)
        const args = given.filter(([, value]) => value !== 'header').map(([{ name }, value]) => [name, value] as const)
        const headers = given.filter(([, value]) => value === 'header').map(([{ name }]) => [`x-${name}`, '1'] as const)
        const [method, params] =
          kind === 'tool'
            ? ['tools/call', { name, arguments: Object.fromEntries(args) }]
            : ['resources/read', { uri: name }]
        if (allows(method, params, Object.fromEntries(headers))) return answers
      }
      return undefined
    },
  }
}

const describeAnswers = (answers: readonly (readonly [Asked, unknown])[]): string =>
  JSON.stringify(answers.map(([asked, value]) => [textOf(asked), value]))

describe('where every value is asked about once', () => {
  it(
    'a tool is shown if and only if some arguments and headers let it be called',
    () => {
      const counts = { shown: 0, hidden: 0, open: 0 }
      fc.assert(
        fc.property(policies(solvable), drawn => {
          const writer = new Writer(5, false)
          const { shows, allowedBy } = setUp({ drawn, writer })
          for (const item of items) {
            if (item.kind !== 'tool') continue
            const answers = allowedBy(item, false)
            const shown = shows(item)
            if (shown && answers === undefined) throw new Error(`${item.name} is shown, and nothing lets it be called`)
            if (!shown && answers !== undefined)
              throw new Error(`${item.name} is hidden, and allowed with ${describeAnswers(answers)}`)
            counts[shown ? 'shown' : 'hidden']++
            if (shown && writer.asked.length > 0) counts.open++
          }
        }),
        { numRuns },
      )
      expect(Math.min(counts.shown, counts.hidden, counts.open)).toBeGreaterThan(numRuns / 5)
    },
    time,
  )
})

describe('whatever policies ask, and however often', () => {
  it(
    'what is hidden is denied with every answer, and with none',
    () => {
      const counts = { shown: 0, hidden: 0 }
      fc.assert(
        fc.property(policies(anything), drawn => {
          const writer = new Writer(3, true)
          const { shows, allowedBy } = setUp({ drawn, writer })
          for (const item of items) {
            const shown = shows(item)
            counts[shown ? 'shown' : 'hidden']++
            if (shown) continue
            const answers = allowedBy(item, true)
            if (answers !== undefined)
              throw new Error(`${item.name} is hidden, and allowed with ${describeAnswers(answers)}`)
          }
        }),
        { numRuns },
      )
      expect(Math.min(counts.shown, counts.hidden)).toBeGreaterThan(numRuns / 5)
    },
    time,
  )
})

describe('resources and templates', () => {
  const globs = ['demo://*', 'demo://a/*', 'demo://a/b', 'demo://*/c', 'demo://b/*', 'demo://a/b*', '*', 'other://*']
  const matches = fc.subarray(globs, { minLength: 1, maxLength: 2 })
  const hang = fc.constantFrom(
    undefined,
    'true',
    'user.username == "bob"',
    'mcp.resource.uri.startsWith("demo://a")',
    '!mcp.resource.uri.endsWith("c")',
  )
  const templates = ['demo://{x}', 'demo://{+x}', 'demo://a/{x}', 'demo://a/b{?q}', 'demo://b/{x}/c', 'other://{x}']
  const uris = ['', 'a', 'b'].flatMap(first =>
    ['', '/', '/b', '/bb', '/c', '/x/c', '/b?q=1'].flatMap(rest => [
      `demo://${first}${rest}`,
      `other://${first}${rest}`,
    ]),
  )
  const drawn = fc.record({
    grants: fc.array(fc.record({ resources: matches, condition: hang }), { minLength: 1, maxLength: 2 }),
    guardrails: fc.array(fc.record({ resources: matches, condition: hang, rule: hang }), { maxLength: 2 }),
  })

  it(
    'a resource is shown if and only if it can be read, and a hidden template stands for none that can',
    () => {
      const counts = { shown: 0, hidden: 0, hiddenTemplates: 0 }
      fc.assert(
        fc.property(drawn, ({ grants, guardrails }) => {
          const when = (expression: string | undefined) =>
            expression === undefined ? {} : { matchConditions: [{ name: 'c', expression }] }
          const subjects = [{ kind: 'Group', name: 'system:authenticated' }]
          const documents = [
            policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', require: ['grants'] }),
            ...grants.map(({ resources, condition }, index) =>
              policyDocument('Grant', `p${index}`, {
                match: { servers: ['srv'], subjects, resources },
                ...when(condition),
              }),
            ),
            ...guardrails.map(({ resources, condition, rule }, index) =>
              policyDocument('Guardrail', `g${index}`, {
                match: { servers: ['srv'], resources },
                ...when(condition),
                validations: [{ expression: rule ?? 'false', message: 'no' }],
              }),
            ),
          ]
          const { shows, allows } = judgeDocuments(documents, 'alice')
          const readable = uris.filter(uri => allows('resources/read', { uri }))
          for (const uri of uris) {
            const shown = shows({ kind: 'resource', name: uri })
            counts[shown ? 'shown' : 'hidden']++
            if (shown !== readable.includes(uri)) throw new Error(`${uri} is ${shown ? 'shown' : 'hidden'}`)
          }
          for (const name of templates) {
            if (shows({ kind: 'resourceTemplate', name })) continue
            counts.hiddenTemplates++
            const found = readable.find(uri => uri.startsWith(name.replace(/\{.*$/, '')))
            if (found !== undefined) throw new Error(`${name} is hidden, and ${found} can be read`)
          }
        }),
        { numRuns },
      )
      expect(Math.min(counts.shown, counts.hidden, counts.hiddenTemplates)).toBeGreaterThan(numRuns / 5)
    },
    time,
  )
})
