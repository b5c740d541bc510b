import { describe, expect, it } from 'vitest'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../../test/support/policies.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'
import { jsonObject, methodCall, recordsOf, toolCall, withFields } from './decision-log.fixture.js'
import { type SuggestLimits, suggestLimits } from './limits.js'
import { Observations } from './observations.js'
import { observeCall } from './observed-call.js'
import { type SuggestOptions, suggest } from './suggest.js'
import { writeDocuments } from './write-suggestion.js'

const version = 'apiVersion: mcp-authz.dev/v1alpha1'
const files = `${version}\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://x.example.com/mcp", mode: Audit }\n`
const store = storeOf([memorySource({ 'files.yaml': files })], namesAsTokens({}))
const ann = person('ann', ['staff'])
const [plain] = await recordsOf(store, [toolCall(ann, 'files', 'read', { path: 'a' })])

function record(fields: object = {}): DecisionRecord {
  if (plain === undefined) throw new Error('no record')
  return withFields(plain, fields)
}

function observe(records: readonly DecisionRecord[], limits?: SuggestLimits) {
  const observations = new Observations(limits)
  for (const one of records) {
    const observed = observeCall(one)
    if ('why' in observed) observations.leave(observed)
    else observations.add(observed)
  }
  return observations
}

function textOf(records: readonly DecisionRecord[], options?: SuggestOptions): string {
  return writeDocuments(suggest(observe(records), options).documents, [])
}

const subject = (user: string) => ({ subject: { kind: 'user', user, groups: [], issuer: '' } })
const target = (kind: string, name: string) => ({
  mcp: { method: 'tools/call', kind: 'request', era: 'legacy', target: { kind, name } },
})
const would = (reason: string, policy?: string) => ({ would_deny: [{ reason, ...(policy && { policy }) }] })

describe('what of a log counts', () => {
  it('a call for which only a permission was missing', () => {
    const { calls, leftOut } = observe([record()])
    expect([calls, leftOut.size]).toEqual([1, 0])
  })

  it.each<[string, object, string]>([
    ['denied', { decision: 'deny', reason: 'identity.expired' }, 'denied'],
    ['a document', { decision: 'respond' }, 'asked for a document, not for a call'],
    ['nobody', { subject: undefined }, 'without a subject'],
    ['no Server', { server: undefined }, 'of no Server'],
    ['no message', { mcp: undefined }, 'without a message'],
    ['a wildcard for a user', subject('a*'), 'with a caller who is not recorded to the end, or cannot be named'],
    [
      'a user that was cut',
      subject('a'.repeat(512)),
      'with a caller who is not recorded to the end, or cannot be named',
    ],
    ['a wildcard for a Server', { server: '*' }, 'of a Server that cannot be named'],
    ['a wildcard for a resource', target('resource', 'file:///*'), 'with a target whose name holds a "*" or no text'],
    ['a name that was cut', target('resource', 'x'.repeat(512)), 'with targets that are not recorded to the end'],
    [
      'a scope',
      would('authorization.scope'),
      'that would be denied by authorization.scope, which no permission changes',
    ],
    ['a Guardrail', would('guardrail.violated', 'Guardrail/x'), 'that a Guardrail would deny'],
    [
      'a verb that is a wildcard',
      {
        rbac: [
          {
            role: 'user',
            verb: '*',
            group: '',
            resource: 'pods',
            subresource: '',
            namespace: '',
            name: '',
            allowed: true,
          },
        ],
      },
      'with operations that no rule can name exactly',
    ],
  ])('not %s', (_, fields, why) => {
    const { calls, leftOut } = observe([record(fields)])
    expect([...leftOut]).toEqual([[why, 1]])
    expect(calls).toBe(0)
  })

  it('methods that need no permission are only counted', async () => {
    const observations = observe(await recordsOf(store, [methodCall(ann, 'files', 'tools/list')]))
    expect(observations.free).toBe(1)
    expect(suggest(observations).documents).toEqual([])
  })

  it('is bounded, and says what found no room', () => {
    const many = Array.from({ length: 50 }, (_, index) => record(subject(`user-${index}`)))
    const observations = observe(many, { ...suggestLimits, callers: 10 })
    expect([observations.calls, observations.overflow]).toEqual([10, 40])
    expect(suggest(observations).warnings.join()).toContain('40 calls found no room')
    expect(observe(many, { ...suggestLimits, uses: 40 }).overflow).toBeGreaterThan(0)
    const servers = many.map((_, index) => record({ server: `server-${index}` }))
    expect(observe(servers, { ...suggestLimits, servers: 5 }).overflow).toBe(45)
  })
})

describe('what is written', () => {
  it('gives through the agent that was seen, and says that nobody vouches for it', async () => {
    const records = await recordsOf(store, [toolCall(through(ann, 'bot', 'claimed'), 'files', 'read')])
    const text = textOf(records)
    expect(text).toContain('name: demo:bot')
    expect(text).toContain('allowClaimed: true')
    expect(text).toContain('# Nobody vouches for this agent: any client can use the name.')
  })

  it('asks whether everybody is meant', async () => {
    const anonymous = person('system:anonymous', [], { kind: 'anonymous' })
    expect(textOf(await recordsOf(store, [toolCall(anonymous, 'files', 'read')]))).toContain('with no token at all')
  })

  it('prompts, resources and tools are Grants of their own', async () => {
    const text = textOf(
      await recordsOf(store, [
        toolCall(ann, 'files', 'read'),
        methodCall(ann, 'files', 'prompts/get', { name: 'greet' }),
        methodCall(ann, 'files', 'resources/read', { uri: 'file:///a' }),
      ]),
    )
    expect(text.match(/^kind: Grant$/gm)).toHaveLength(3)
    expect(text).toContain('methods: [ prompts/get ]')
    expect(text).toMatch(/resources:\n\s+- file:\/\/\/a # 1 call/)
  })

  it('roles of virtual resources, where they are asked for', () => {
    const text = textOf([record()], { as: 'roles' })
    expect(text).toContain('resourceNames: [ files.read ]')
    expect(text).toContain('verbs: [ call ]')
  })

  it.each(['on', '012', '1e3', 'a: b', '# no', "it's", '"', 'line\nend', '- x', '!!x', '&a', '\u0007', 'é'])(
    'quotes %j where YAML would take it for something else',
    name => {
      const text = textOf([record(subject(name))])
      const { findings } = storeOf([memorySource({ 'files.yaml': files, 'own.yaml': text })], namesAsTokens({})).load()
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(text.split('\n').filter(line => line.startsWith('#') && !line.startsWith('# '))).toEqual([])
    },
  )
})

describe('arguments', () => {
  const withArguments = (...texts: readonly string[]) =>
    textOf(texts.map(text => ({ ...record({ args_digest: undefined }), arguments: jsonObject(text) })))

  it.each<[string, readonly string[], string]>([
    ['numbers', ['{"n":1}', '{"n":7}', '{"n":3}'], `"n" in args && (args["n"] >= 1 && args["n"] <= 7)`],
    ['fractions', ['{"n":1.0}', '{"n":2.5}'], `"n" in args && (args["n"] >= 1.0 && args["n"] <= 2.5)`],
    ['texts', ['{"n":"b"}', '{"n":"a"}'], `"n" in args && args["n"] in ["a", "b"]`],
    ['what may be left out', ['{"n":"b"}', '{}'], `!("n" in args) || args["n"] in ["b"]`],
    ['flags', ['{"n":true}'], `"n" in args && args["n"] in [true]`],
    ['lists', ['{"n":["b","a"]}', '{"n":[]}'], `"n" in args && args["n"].all(item, item in ["a", "b"])`],
    ['several types', ['{"n":"b"}', '{"n":1}'], '"n" is not limited: it had values of several types.'],
    ['more than 64 bits', ['{"n":9223372036854775808}'], '"n" is not limited: it is a number of more than 64 bits.'],
    ['the least integer', ['{"n":-9223372036854775808}'], 'args["n"] >= -9223372036854775808'],
    ['objects', ['{"n":{}}'], '"n" is not limited: it is an object.'],
    ['long texts', [`{"n":"${'x'.repeat(129)}"}`], '"n" is not limited: its values are long, or no text.'],
    [
      'many texts',
      Array.from({ length: 9 }, (_, n) => `{"n":"${n}"}`),
      '"n" is not limited: it had more than 8 values.',
    ],
    ['secrets', ['{"apiToken":"s3cret"}'], '"apiToken" is not limited: its name sounds like a secret.'],
  ])('%s', (_, texts, expected) => {
    const text = withArguments(...texts)
    expect(text.replaceAll("''", "'")).toContain(expected)
    expect(text).toContain('mode: Audit')
    const { findings } = storeOf([memorySource({ 'files.yaml': files, 'own.yaml': text })], namesAsTokens({})).load()
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(text).not.toContain('s3cret')
  })

  it('says nothing of values that were masked or left out', () => {
    const masked = { ...record({ masked: ['/arguments/path'] }), arguments: jsonObject('{"path":"[redacted]"}') }
    const text = textOf([masked])
    expect(text).toContain('"path" is not limited: it is not recorded as it was sent.')
    expect(text).not.toContain('[redacted]')
  })

  it('makes no Guardrail where some calls did not record them', () => {
    const suggestion = suggest(observe([record(), record({ arguments: undefined })]))
    expect(suggestion.documents.map(({ kind }) => kind)).toEqual(['Grant'])
    expect(suggestion.warnings.join()).toContain('no Guardrail for "read"')
  })
})
