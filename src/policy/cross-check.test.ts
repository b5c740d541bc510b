import { describe, expect, it } from 'vitest'
import { catalogs, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'
import { formatFinding } from '../documents/format-finding.js'

const nobody = namesAsTokens({})
const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = (name: string, more = '') =>
  `${head}\nkind: Server\nmetadata: { name: ${name} }\nspec: { resource: "https://${name}.example.com/mcp"${more} }\n`
const guardrail = (match: string) =>
  `${head}\nkind: Guardrail\nmetadata: { name: g }\nspec: { match: ${match}, validations: [{ expression: "true" }] }\n`
const issuer = (audiences: string) =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: { url: "https://idp.example.com", audiences: ${audiences} }\n  claimMappings: { username: { claim: sub, prefix: "" } }\n`
const servers = [
  server('files', ', methods: ["tasks/*", vendor/run]'),
  server('k', ', catalog: kubernetes-mcp-server, require: [grants]'),
]
const findingsOf = (...documents: readonly string[]) =>
  storeOf([catalogs, memorySource({ 'a.yaml': documents.join('---\n') })], nobody)
    .load()
    .findings.map(formatFinding)

describe('a match that cannot do what its author wants', () => {
  it.each([
    ['servers: a pattern for nothing', '{ servers: ["fil-*"] }', 'warning', 'no Server "fil-*"'],
    ['access without a catalogue', '{ servers: [files], access: [write] }', 'warning', 'has a catalogue'],
    ['labels without a catalogue', '{ servers: [files], labels: { risk: high } }', 'warning', 'has a catalogue'],
    ['tools together with prompts', '{ servers: [files], tools: [a], prompts: [b] }', 'error', 'both'],
    ['access together with prompts', '{ servers: [k], access: [write], prompts: [b] }', 'error', 'both'],
    ['tools without tools/call', '{ servers: [files], tools: [x], methods: [prompts/get] }', 'warning', 'tools/call'],
    ['a misspelt method', '{ servers: [files], methods: [tool/call] }', 'warning', 'did you mean "tools/call"'],
    ['a method that only others have', '{ servers: [k], methods: [vendor/run] }', 'warning', 'vendor/run'],
    ['a tool pattern for nothing', '{ servers: [k], tools: ["podz_*"] }', 'warning', 'podz_*'],
    ['an agent without issuer', '{ servers: [files], agents: [{ kind: Agent, name: sre }] }', 'error', 'issuer'],
  ])('%s', (_, match, severity, text) => {
    const findings = findingsOf(...servers, guardrail(match))
    expect(findings).toHaveLength(1)
    expect(findings[0]).toContain(` ${severity}: `)
    expect(findings[0]).toContain(text)
  })

  it.each([
    ['patterns that match', '{ servers: ["f*", "*"], methods: ["tools/*", "nothing/*"] }'],
    ['access where one has a catalogue', '{ servers: [files, k], access: [write] }'],
    [
      'methods of a Server, by name and by family',
      '{ servers: [files], methods: [tasks/get, tasks/more, vendor/run] }',
    ],
    ['what has no method', '{ servers: [files], methods: [GET, DELETE, response, json] }'],
    ['tools with tools/call', '{ servers: [k], tools: ["pods_*"], methods: ["tools/*"] }'],
    ['any tool of a Server without a catalogue', '{ servers: [files, k], tools: ["podz_*"] }'],
    ['any agent', '{ servers: [files], agents: [{ kind: Agent, name: "*" }, { kind: Agent, name: "demo:*" }] }'],
    ['prompts alone', '{ servers: [files], prompts: [a] }'],
  ])('says nothing of %s', (_, match) => {
    expect(findingsOf(...servers, guardrail(match))).toEqual([])
  })

  it('governs everything, from the start, when tools stand beside prompts', () => {
    const store = storeOf(
      [memorySource({ 'a.yaml': [servers[0], guardrail('{ tools: [a], prompts: [b] }')].join('---\n') })],
      nobody,
      'serve',
    )
    store.load()
    const call = {
      protocol: 'mcp',
      kind: 'request',
      era: 'legacy',
      version: undefined,
      id: '1',
      method: 'tools/call',
      target: { kind: 'tool', name: 't' },
      alsoTargets: [],
      params: undefined,
      arguments: undefined,
      sessionId: undefined,
    } as const
    expect(store.current?.broken.candidates({ server: 'files', tool: 't', catalogTool: undefined, call })).toHaveLength(
      1,
    )
  })
})

describe('audiences of issuers', () => {
  it('that no Server accepts are reported', () => {
    const findings = findingsOf(
      servers[0] ?? '',
      issuer('["https://files.example.com/mcp", other]').replace(
        'audiences',
        'audienceMatchPolicy: MatchAny, audiences',
      ),
    )
    expect(findings).toHaveLength(1)
    expect(findings[0]).toContain('AuthenticationConfiguration jwt[0].issuer.audiences[1]: ')
    expect(findings[0]).toContain('no Server accepts')
  })

  describe('of tokens that people give to their agents', () => {
    const delegating = (audience: string) =>
      `${head}\nkind: Identity\nmetadata: { name: default }\nspec: { issuers: { "https://idp.example.com": { alias: acme } }, onBehalfOf: [{ header: x-on-behalf-of, format: jwt, agents: ["acme:a"], audiences: [${audience}] }] }\n`
    const both = issuer('["https://files.example.com/mcp", agents]').replace(
      'audiences',
      'audienceMatchPolicy: MatchAny, audiences',
    )
    it.each([
      ['only of an issuer', 'agents', []],
      ['of a Server too', '"https://files.example.com/mcp"', ['no Server accepts', 'is an audience of a Server']],
      ['of no issuer', 'agent', ['no Server accepts', 'no issuer has this audience']],
    ])('%s', (_, audience, expected) => {
      const findings = findingsOf(servers[0] ?? '', both, delegating(audience))
      expect(findings.map(finding => expected.find(text => finding.includes(text)) ?? finding)).toEqual(expected)
    })
  })

  describe('of ServiceAccounts', () => {
    const reviewing = (review: string) =>
      `${head}\nkind: Identity\nmetadata: { name: default }\nspec: { issuers: { "https://kubernetes.default.svc": { alias: cluster, tokenReview: ${review} } } }\n`
    it.each([
      ['for the Server', '["https://files.example.com/mcp"]', '{ cluster: local }', []],
      ['for the API server', '["https://kubernetes.default.svc"]', '{ cluster: local }', ["every pod's own token"]],
      ['of another cluster', '["https://files.example.com/mcp"]', '{ cluster: prod }', ['namesake in local']],
      ['of another, with a prefix', '["https://files.example.com/mcp"]', '{ cluster: prod, prefix: "prod:" }', []],
    ])('%s', (_, audiences, review, expected) => {
      const findings = findingsOf(server('files', `, audiences: ${audiences}`), reviewing(review))
      expect(findings.map(finding => expected.find(text => finding.includes(text)) ?? finding)).toEqual(expected)
    })
  })

  it('are nothing to speak of without Servers', () => {
    expect(findingsOf(issuer('[other]'))).toEqual([])
  })
})
