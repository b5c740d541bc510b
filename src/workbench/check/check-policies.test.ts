import { describe, expect, it } from 'vitest'
import {
  binding,
  findingsOf,
  grant,
  guardrail,
  issuer,
  messagesOf,
  rule,
  validations,
  written,
} from './check.fixture.js'

const staff = 'subjects: [{ kind: Group, name: staff }]'
const at = 'servers: [bank]'

type Case = [name: string, documents: string[], found: string[]]

describe('rules that no call can meet', () => {
  it.each<Case>([
    [
      'a rule for a tool of its access',
      [guardrail('g', `match: { ${at}, tools: [pay], access: [write] }, ${validations('size(tenant) > 1')}`)],
      [],
    ],
    [
      'a tool of another access',
      [guardrail('g', `match: { ${at}, tools: [pay], access: [read] }, ${validations('size(tenant) > 1')}`)],
      ['never-matches Guardrail/g spec.match.tools'],
    ],
    [
      'a label that no tool has',
      [grant('g', `match: { ${at}, labels: { risk: high }, ${staff} }`)],
      ['never-matches Grant/g spec.match.labels'],
    ],
    [
      'where one of the Servers has no catalogue',
      [
        guardrail(
          'g',
          `match: { servers: [bank, open], tools: [pay], access: [read] }, ${validations('size(tenant) > 1')}`,
        ),
      ],
      [],
    ],
    ['a prompt', [grant('g', `match: { ${at}, prompts: [report], ${staff} }`)], []],
    [
      'a prompt that there is not',
      [grant('g', `match: { ${at}, prompts: [reprot], ${staff} }`)],
      ['unknown-tool Grant/g spec.match.prompts[0]'],
    ],
    [
      'conditions that hang on the caller',
      [
        grant(
          'g',
          `match: { ${at}, tools: [pay], ${staff} }, matchConditions: [{ name: a, expression: "user.username == 'a'" }]`,
        ),
      ],
      [],
    ],
    [
      'conditions that are false for the tool',
      [
        grant(
          'g',
          `match: { ${at}, tools: [pay], ${staff} }, matchConditions: [{ name: a, expression: "mcp.tool.access == 'read'" }]`,
        ),
      ],
      ['condition-never-holds Grant/g spec.matchConditions'],
    ],
    [
      'conditions that fail for the tool, of a Grant',
      [
        grant(
          'g',
          `match: { ${at}, tools: [pay], ${staff} }, matchConditions: [{ name: a, expression: "args.amuont < 3" }]`,
        ),
      ],
      ['condition-never-holds Grant/g spec.matchConditions'],
    ],
    [
      'conditions that are false for one tool of two',
      [
        grant(
          'g',
          `match: { ${at}, tools: [pay, close], ${staff} }, matchConditions: [{ name: a, expression: "mcp.tool.access == 'write'" }]`,
        ),
      ],
      [],
    ],
    [
      'conditions of an Enrichment',
      [
        `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Enrichment, metadata: { name: e }, spec: { match: { ${at}, tools: [pay] }, matchConditions: [{ name: a, expression: "server.name == 'bnak'" }], record: [{ key: a, valueExpression: tenant }] } }`,
      ],
      ['condition-never-holds Enrichment/e spec.matchConditions'],
    ],
    [
      'conditions of a Guardrail',
      [
        guardrail(
          'g',
          `match: { ${at}, tools: [pay] }, matchConditions: [{ name: a, expression: "has(args.amuont)" }], ${validations('args.amuont < 5')}`,
        ),
      ],
      ['condition-never-holds Guardrail/g spec.matchConditions'],
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})

describe('validations that are certain', () => {
  const of = (match: string, ...expressions: string[]) => [
    guardrail('g', `match: { ${at}, ${match} }, ${validations(...expressions)}`),
  ]
  const place = (index: number) => `Guardrail/g spec.validations[${index}].expression`

  it.each<Case>([
    ['what hangs on the caller', of('tools: [pay]', "user.username == 'a'"), []],
    ['what hangs on arguments', of('tools: [close, balance]', "args.account != 'system'"), []],
    ['a denial of all, which is meant', of('tools: [close]', 'false'), []],
    ['what is always true', of('tools: [pay]', 'true'), [`never-denies ${place(0)}`]],
    ['what is true of each tool', of('tools: [pay, close]', "mcp.tool.name != 'clsoe'"), [`never-denies ${place(0)}`]],
    ['what is true of one tool of two', of('tools: [pay, close]', "mcp.tool.name != 'close'"), []],
    ['an argument that is asked for first', of('tools: [pay, close]', '!has(args.amount) || args.amount < 5'), []],
    [
      'an argument that no tool has, asked for first',
      of('tools: [close]', '!has(args.amount) || args.amount < 5'),
      [`never-denies ${place(0)}`],
    ],
    [
      'an argument that one of the tools does not have',
      of('tools: [pay, close]', 'has(args.amount) && args.amount < 5'),
      [],
    ],
    [
      'an argument that fails for one of the tools',
      of('tools: [balance, close, pay]', "args.note == 'a' || args.amount == 1"),
      [`fails-for-tools ${place(0)}`, `needs-has-guard ${place(0)}`].slice(0, 1),
    ],
    [
      'what stands beside a denial of all',
      of('tools: [pay]', 'false', 'size(tenant) > 1'),
      [`unreachable-validation ${place(1)}`],
    ],
    ['rules about all tools and more', [guardrail('g', `match: { ${at} }, ${validations("mcp.method != 'x'")}`)], []],
    [
      'an argument of a tool whose arguments are not known',
      [guardrail('g', `match: { servers: [open] }, ${validations('args.what < 5')}`)],
      [],
    ],
    [
      'a rule about results',
      [guardrail('g', `on: response, match: { ${at}, tools: [pay] }, mode: Audit, maxBytes: 10`)],
      [],
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))

  it('says which tools have no such argument, and what was meant', () => {
    expect(messagesOf(...of('tools: [balance, close]', "args.acount != 'system'"))).toEqual([
      'fails for every tool that it matches, which denies every call of it, because the tool does not have an argument "acount" | did you mean "account"?',
    ])
  })
})

describe('arguments that callers may leave out', () => {
  const of = (expression: string, more = '') => [
    guardrail('g', `match: { ${at}, tools: [pay] }, ${more} ${validations(expression)}`),
  ]

  it.each<[string, string[], number]>([
    ['an argument that the schema requires', of("args.account != 'a'"), 0],
    ['one that it does not', of('args.amount < 5'), 1],
    ['one that is asked for', of('has(args.amount) && args.amount < 5'), 0],
    [
      'one that the conditions ask for',
      of('args.amount < 5', 'matchConditions: [{ name: a, expression: has(args.amount) }],'),
      0,
    ],
    ['what is in Audit', of('args.amount < 5', 'mode: Audit,'), 0],
  ])('%s', (_name, documents, count) => {
    expect(findingsOf(...documents)).toEqual(
      Array(count).fill('needs-has-guard Guardrail/g spec.validations[0].expression'),
    )
  })
})

describe('Grants that give what another gives', () => {
  const small = grant('small', `match: { ${at}, tools: [pay], ${staff} }`)
  const found = ['shadowed-grant Grant/small metadata.name']
  const other = ['shadowed-grant Grant/wide metadata.name']
  const wider = (spec: string) => [small, grant('wide', spec)]

  it.each<Case>([
    ['alone', [small], []],
    ['more tools', wider(`match: { ${at}, tools: ["p*"], ${staff} }`), found],
    ['any tool', wider(`match: { ${at}, ${staff} }`), found],
    ['any Server', wider(`match: { servers: ["*"], tools: [pay], ${staff} }`), found],
    [
      'everybody',
      wider(`match: { ${at}, tools: [pay], subjects: [{ kind: Group, name: "system:authenticated" }] }`),
      found,
    ],
    [
      'everybody with a token, where a star means those without as well',
      [
        grant('small', `match: { ${at}, tools: [pay], subjects: [{ kind: User, name: "s*" }] }`),
        grant('wide', `match: { ${at}, tools: [pay], subjects: [{ kind: Group, name: "system:authenticated" }] }`),
      ],
      [],
    ],
    ['another group', wider(`match: { ${at}, tools: [pay], subjects: [{ kind: Group, name: others }] }`), []],
    ['a user of that name', wider(`match: { ${at}, tools: [pay], subjects: [{ kind: User, name: staff }] }`), []],
    ['fewer tools', wider(`match: { ${at}, tools: [pa], ${staff} }`), []],
    ['another Server', wider(`match: { servers: [open], tools: [pay], ${staff} }`), []],
    [
      'one that asks for a scope more, and is the smaller one',
      wider(`match: { ${at}, tools: [pay], ${staff} }, scopes: [pay]`),
      other,
    ],
    [
      'one through agents only',
      wider(`match: { ${at}, tools: [pay], ${staff}, agents: [{ kind: Agent, name: "*" }] }`),
      other,
    ],
    ['other methods', wider(`match: { ${at}, methods: [tools/call], ${staff} }`), []],
    [
      'one under conditions',
      wider(`match: { ${at}, tools: [pay], ${staff} }, matchConditions: [{ name: a, expression: "tenant == 'a'" }]`),
      other,
    ],
    [
      'the same conditions',
      [
        grant(
          'small',
          `match: { ${at}, tools: [pay], ${staff} }, matchConditions: [{ name: a, expression: "tenant == 'a'" }]`,
        ),
        grant('wide', `match: { ${at}, ${staff} }, matchConditions: [{ name: b, expression: "tenant == 'a'" }]`),
      ],
      found,
    ],
    [
      'the same, of which the first by name is kept',
      [grant('a', `match: { ${at}, tools: [pay], ${staff} }`), small],
      found,
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})

describe('Guardrails that deny what a Grant gives', () => {
  const gives = (tools: string, more = staff) => grant('gives', `match: { ${at}, tools: ${tools}, ${more} }`)
  const denies = (match: string, more = '') =>
    guardrail('denies', `match: { ${at}, ${match} }, ${more} ${validations('false')}`)
  const found = ['contradicts-grant Grant/gives spec.match.tools[0]']

  it.each<Case>([
    ['all of it', [gives('[close]'), denies('access: [delete]')], found],
    ['one of several tools of a pattern', [gives('["*"]'), denies('access: [delete]')], []],
    ['one of several tools by name', [gives('[close, pay]'), denies('access: [delete]')], found],
    ['in Audit', [gives('[close]'), denies('access: [delete]', 'mode: Audit,')], []],
    ['in Warn', [gives('[close]'), denies('access: [delete]', 'mode: Warn,')], []],
    ['for agents only', [gives('[close]'), denies('access: [delete], agents: [{ kind: Agent, name: "*" }]')], []],
    [
      'under conditions',
      [
        gives('[close]'),
        denies('access: [delete]', 'matchConditions: [{ name: a, expression: principal.throughAgent }],'),
      ],
      [],
    ],
    ['for the same group', [gives('[close]'), denies(`access: [delete], ${staff}`)], found],
    [
      'for another group',
      [gives('[close]'), denies('access: [delete], subjects: [{ kind: Group, name: others }]')],
      [],
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})

describe('validations that leave no value', () => {
  const of = (name: string, expression: string, more = 'tools: [pay]') =>
    guardrail(name, `match: { ${at}, ${more} }, ${validations(expression)}`)
  const less = of('a', '!has(args.amount) || args.amount <= 5')
  const found = ['no-value-left Guardrail/b spec.validations[0].expression']

  it.each<Case>([
    ['an interval that is empty', [less, of('b', '!has(args.amount) || args.amount > 9')], found],
    ['an interval that is not', [less, of('b', '!has(args.amount) || args.amount > 3')], []],
    ['its border', [less, of('b', '!has(args.amount) || args.amount >= 5')], []],
    ['sets', [of('a', "args.account in ['a', 'b']"), of('b', "args.account == 'c'")], found],
    ['sets that meet', [of('a', "args.account in ['a', 'b']"), of('b', "args.account in ['b', 'c']")], []],
    ['all of a list', [of('a', 'replicas.all(n, n <= 5)'), of('b', 'replicas.all(m, m > 5)')], found],
    ['other tools', [less, of('b', '!has(args.account) || args.account > 9', 'tools: [balance]')], []],
    [
      'the same argument of other tools',
      [of('a', "args.account == 'a'"), of('b', "args.account == 'b'", 'tools: [balance]')],
      [],
    ],
    [
      'in one document',
      [guardrail('b', `match: { ${at}, tools: [pay] }, ${validations("args.account == 'a'", "args.account == 'b'")}`)],
      ['no-value-left Guardrail/b spec.validations[1].expression'],
    ],
    [
      'other callers',
      [
        of('a', "args.account == 'a'", `tools: [pay], ${staff}`),
        of('b', "args.account == 'b'", 'tools: [pay], subjects: [{ kind: Group, name: others }]'),
      ],
      [],
    ],
    [
      'one of them for all callers',
      [of('a', "args.account == 'a'", `tools: [pay], ${staff}`), of('b', "args.account == 'b'")],
      found,
    ],
    [
      'other kinds of calls, of a Server without a catalogue',
      [
        guardrail('a', `match: { servers: [open], methods: [tools/call] }, ${validations('args.x <= 5')}`),
        guardrail('b', `match: { servers: [open], prompts: [report] }, ${validations('args.x > 10')}`),
        guardrail('c', `match: { servers: [open], resources: ['file://*'] }, ${validations("args.x == 'a'")}`),
      ],
      [],
    ],
    [
      'whatever is asked of it',
      [
        guardrail('a', `match: { servers: [open] }, ${validations('args.x <= 5')}`),
        guardrail('b', `match: { servers: [open] }, ${validations('args.x > 10')}`),
      ],
      found,
    ],
    ['a guard of another thing', [less, of('b', '!has(args.note) || (has(args.amount) && args.amount > 9)')], []],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})

describe('subjects that no token can be', () => {
  const to = (subject: string, more = '') => grant('g', `match: { ${at}, tools: [pay], subjects: [${subject}]${more} }`)
  const group = (name: string) => to(`{ kind: Group, name: "${name}" }`)
  const user = (name: string) => to(`{ kind: User, name: "${name}" }`)
  const found = ['impossible-subject Grant/g spec.match.subjects[0].name']
  const prefixed = issuer('"oidc:"', '"oidc:"')
  const identity = (spec: string) =>
    `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Identity, metadata: { name: default }, spec: { ${spec} } }`

  it.each<Case>([
    ['without anybody who says who is who', [group('staff')], []],
    ['without prefixes', [issuer(), group('staff')], []],
    ['with its prefix', [prefixed, group('oidc:staff')], []],
    ['without its prefix', [prefixed, group('staff')], found],
    ['a pattern that may hold the prefix', [prefixed, group('*-staff')], []],
    ['a pattern that may not', [prefixed, group('staff-*')], found],
    ['a user without the prefix', [prefixed, user('ann')], found],
    ['everybody', [prefixed, group('system:authenticated')], []],
    ['a reserved name', [prefixed, user('system:admin')], found],
    ['groups of a role mapper', [prefixed, identity('roleMapper: "[claims.team]"'), group('staff')], []],
    [
      'an account of a workload',
      [
        prefixed,
        identity('workloads: [{ spiffe: "spiffe://acme.com/ns/*/sa/*", serviceAccount: "$1/$2" }]'),
        user('system:serviceaccount:a:b'),
      ],
      [],
    ],
    [
      'an agent of an issuer',
      [prefixed, grant('g', `match: { ${at}, tools: [pay], agents: [{ kind: Agent, name: "idp.example.com:bot" }] }`)],
      [],
    ],
    [
      'an agent of no issuer',
      [prefixed, grant('g', `match: { ${at}, tools: [pay], agents: [{ kind: Agent, name: "acme:bot" }] }`)],
      ['impossible-subject Grant/g spec.match.agents[0].name'],
    ],
    [
      'somebody whom a workload may name',
      [
        issuer('"acme:"'),
        written(
          'Identity',
          'default',
          'onBehalfOf: [{ header: x-on-behalf-of, format: plain, workloads: ["spiffe://acme.com/ns/a/sa/bot"], prefix: "chat:" }]',
        ),
        user('chat:bob'),
      ],
      [],
    ],
    [
      'a binding',
      [
        prefixed,
        rule('ClusterRole', 'r', 'rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]'),
        binding('r', 'kind: Group, name: staff'),
      ],
      ['impossible-subject ClusterRoleBinding/b-r subjects[0].name'],
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})

describe('rules of roles that no tool can use', () => {
  const role = (rules: string) => rule('ClusterRole', 'r', `rules: [${rules}]`)
  const bound = binding('r', 'kind: Group, name: staff')
  const found = ['unused-rule ClusterRole/r rules[0]']

  it.each<Case>([
    ['a rule that tools need', [role('{ apiGroups: [""], resources: [pods], verbs: [get] }'), bound], []],
    ['all of everything', [role('{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }'), bound], []],
    ['another verb', [role('{ apiGroups: [""], resources: [pods], verbs: [watch] }'), bound], found],
    ['another resource', [role('{ apiGroups: [""], resources: [pod], verbs: [get] }'), bound], found],
    ['another group', [role('{ apiGroups: [apps], resources: [pods], verbs: [get] }'), bound], found],
    ['bound to nobody', [role('{ apiGroups: [""], resources: [pod], verbs: [get] }')], []],
    ['virtual resources', [role('{ apiGroups: [mcp-authz.dev], resources: [tools], verbs: [call] }'), bound], found],
    [
      'what expressions may ask for',
      [
        role('{ apiGroups: [""], resources: [pod], verbs: [get] }'),
        bound,
        guardrail(
          'g',
          `match: { ${at}, tools: [pay] }, ${validations("authorizer.group('').resource('pod').check('get').allowed()")}`,
        ),
      ],
      [],
    ],
  ])('%s', (_name, documents, expected) => expect(findingsOf(...documents)).toEqual(expected))
})
