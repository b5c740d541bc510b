import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorsOf, memorySource, namesAsTokens, person, storeOf, through } from '../../../test/support/policies.js'
import type { Principal } from '../../identity/principal.js'
import { judged, type MadeCall, recordsOf, toolCall } from './decision-log.fixture.js'
import { ExistingPolicies } from './existing-policies.js'
import { Observations } from './observations.js'
import { observeCall } from './observed-call.js'
import { type SuggestOptions, suggest } from './suggest.js'
import { writeDocuments } from './write-suggestion.js'

const version = 'apiVersion: mcp-authz.dev/v1alpha1'

/** Two Servers: one asks for operations, or as given, and one for grants. */
function servers(mode: 'Audit' | 'Enforce', asks: string): string {
  return `
${version}
kind: Server
metadata: { name: kubernetes }
spec: { resource: "https://mcp.example.com/mcp", catalog: some-tools, require: ${asks}, mode: ${mode} }
---
${version}
kind: Server
metadata: { name: files }
spec: { resource: "https://files.example.com/mcp", mode: ${mode} }
`
}

/** The part of the shipped catalogue that is called here: it is read many times. */
const catalog = `
${version}
kind: ToolCatalog
metadata: { name: some-tools }
spec:
  tools:
    namespaces_list: { access: read, arguments: none, operations: [{ verb: list, resource: namespaces, namespace: cluster }] }
    pods_list: { access: read, arguments: none, operations: [{ verb: list, resource: pods, namespace: all }] }
    pods_list_in_namespace:
      access: read
      arguments: [namespace]
      operations: [{ verb: list, resource: pods, namespace: { argument: namespace, required: true } }]
    pods_get:
      access: read
      arguments: [name, namespace]
      operations: [{ verb: get, resource: pods, namespace: { argument: namespace }, name: { argument: name } }]
    pods_delete:
      access: delete
      arguments: [name, namespace]
      operations: [{ verbs: [get, delete], resource: pods, namespace: { argument: namespace }, name: { argument: name } }]
    pods_exec:
      access: exec
      arguments: [name, namespace]
      operations:
      - { verbs: [get, create], resource: pods, subresource: exec, namespace: { argument: namespace }, name: { argument: name } }
    resources_get:
      access: read
      arguments: [apiVersion, kind, name, namespace]
      operations: [{ verb: get, gvk: { apiVersion: apiVersion, kind: kind }, namespace: { argument: namespace }, name: { argument: name } }]
    resources_delete: { access: delete, arguments: [apiVersion, kind, name, namespace], operations: [{ verb: delete, gvk: { apiVersion: apiVersion, kind: kind }, namespace: { argument: namespace }, name: { argument: name } }] }
    resources_scale:
      access: write
      arguments: [apiVersion, kind, name, namespace, scale]
      operations:
      - { verb: get, gvk: { apiVersion: apiVersion, kind: kind }, subresource: scale, namespace: { argument: namespace }, name: { argument: name } }
      - { verb: update, gvk: { apiVersion: apiVersion, kind: kind }, subresource: scale, namespace: { argument: namespace }, name: { argument: name } }
`

/** Before there were any rules worth the name. */
const everything = `
${version}
kind: Grant
metadata: { name: all }
spec: { match: { servers: ["*"], subjects: [{ kind: Group, name: "system:authenticated" }] } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: all }
rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: all }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all }
subjects: [{ kind: Group, name: "system:authenticated" }]
`

const people: readonly Principal[] = [
  person('alice', ['team-a', 'staff']),
  person('bob', ['team-a', 'staff']),
  person('carol', ['team-b', 'staff']),
  person('dave', ['team-b', 'staff']),
  person('erin', ['staff']),
]
const callers = [...people, ...people.slice(0, 3).map(one => through(one, 'bot'))]
/** Never seen in any log. */
const strangers = [
  person('mallory', ['team-x']),
  through(person('mallory', []), 'bot'),
  through(person('alice', ['team-a', 'staff']), 'other-bot'),
]

const namespaces = ['team-a', 'team-b']
const namespace = fc.constantFrom(...namespaces)
const kubernetesCall: fc.Arbitrary<[string, object]> = fc.oneof(
  fc.record({ namespace }).map((args): [string, object] => ['pods_list_in_namespace', args]),
  fc.constant<[string, object]>(['pods_list', {}]),
  fc.constant<[string, object]>(['namespaces_list', {}]),
  fc.record({ namespace, name: fc.constantFrom('web-1', 'web-2') }).map((args): [string, object] => ['pods_get', args]),
  fc.record({ namespace, name: fc.constantFrom('web-1') }).map((args): [string, object] => ['pods_delete', args]),
  fc
    .record({ namespace, name: fc.constantFrom('web', 'db'), scale: fc.integer({ min: 0, max: 9 }) })
    .map((args): [string, object] => ['resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', ...args }]),
  fc
    .record({ namespace, name: fc.constantFrom('a', 'b', 'c') })
    .map((args): [string, object] => ['resources_get', { apiVersion: 'v1', kind: 'Secret', ...args }]),
)
const value = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
  fc.string({ unit: 'grapheme' }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.constant({ deep: [1] }),
)
const fileCall: fc.Arbitrary<[string, object]> = fc.tuple(
  fc.constantFrom('read_file', 'write_file', 'list'),
  fc.dictionary(fc.constantFrom('path', 'size', 'a b', 'on', 'password', '"'), value, { maxKeys: 3 }),
)
const someone = fc.constantFrom(...callers)
const made = fc.oneof(
  fc.tuple(someone, kubernetesCall).map(([who, [tool, args]]) => toolCall(who, 'kubernetes', tool, args)),
  fc.tuple(someone, fileCall).map(([who, [tool, args]]) => toolCall(who, 'files', tool, args)),
)
const log = fc.array(made, { minLength: 1, maxLength: 25 })

const forms: readonly [string, SuggestOptions['as'] | undefined, string][] = [
  ['operations', undefined, '[operations]'],
  ['tools', undefined, '[tools]'],
  ['grants', undefined, '[grants]'],
  ['all of them', undefined, '[operations, tools, grants]'],
]

function storeWith(...texts: readonly string[]) {
  const files = Object.fromEntries([catalog, ...texts].map((text, index) => [`${index}.yaml`, text]))
  return storeOf([memorySource(files)], namesAsTokens({}))
}

async function suggested(
  calls: readonly MadeCall[],
  texts: readonly string[],
  options: SuggestOptions & { policies?: boolean; arguments?: 'all' | 'none' },
) {
  const store = storeWith(...texts)
  const records = await recordsOf(store, calls, options)
  const { current } = store
  const existing = options.policies === true && current ? new ExistingPolicies(current, store.documents) : undefined
  const observations = new Observations()
  for (const record of records) {
    const observed = observeCall(record, existing?.snapshot)
    if ('why' in observed) observations.leave(observed)
    else observations.add(observed)
  }
  const suggestion = suggest(observations, { ...options, existing })
  return { observations, suggestion, text: writeDocuments(suggestion.documents, ['test']) }
}

/** Also what is only noted at first. */
function enforced(text: string): string {
  return text.replaceAll(/^ {2}mode: Audit\n/gm, '')
}

describe('what is suggested', () => {
  it.each(forms)('allows what was seen, and nothing else that matters: %s', async (_, as, asks) => {
    await fc.assert(
      fc.asyncProperty(log, fc.boolean(), async (calls, policies) => {
        const { suggestion, text } = await suggested(calls, [servers('Enforce', asks), everything], { as, policies })
        const store = storeWith(servers('Enforce', asks), enforced(text))
        const { findings } = store.load()
        expect(errorsOf(findings)).toEqual([])
        for (const call of calls) expect([call.message, await judged(store, call)]).toEqual([call.message, 'allow'])
        for (const call of calls) {
          // RBAC does not look at the agent of a user.
          for (const stranger of strangers)
            if (asks.includes('grants') || call.server === 'files' || stranger.user.username === 'mallory')
              expect(await allowedCall(store, { ...call, principal: stranger })).toBe(false)
        }
        for (const principal of people) await expectDangersDenied(store, principal, calls)
        expect(suggestion.documents.length).toBeGreaterThan(0)
      }),
      { numRuns: 10 },
    )
  })

  it('is enough for a Server in Audit that gave nothing yet', async () => {
    await fc.assert(
      fc.asyncProperty(
        log,
        fc.constantFrom('[operations]', '[tools]', '[grants]', '[grants, operations]'),
        async (calls, asks) => {
          const { text } = await suggested(calls, [servers('Audit', asks)], { policies: true })
          const store = storeWith(servers('Enforce', asks), enforced(text))
          for (const call of calls) expect([call.message, await judged(store, call)]).toEqual([call.message, 'allow'])
        },
      ),
      { numRuns: 10 },
    )
  })

  it('only says what is missing, and nothing once it is there', async () => {
    await fc.assert(
      fc.asyncProperty(
        log,
        log,
        fc.constantFrom('[operations]', '[tools]', '[grants]'),
        async (before, calls, asks) => {
          const first = await suggested(before, [servers('Enforce', asks), everything], {
            policies: true,
            arguments: 'none',
          })
          const base = [servers('Audit', asks), first.text]
          const options = { policies: true, onlyMissing: true, arguments: 'none' } as const
          const second = await suggested([...before, ...calls], base, options)
          const all = [servers('Enforce', asks), first.text, second.text]
          const store = storeWith(...all)
          for (const call of [...before, ...calls])
            expect([call.message, await judged(store, call)]).toEqual([call.message, 'allow'])
          const third = await suggested([...before, ...calls], all, options)
          expect(third.suggestion.documents.map(({ name }) => name)).toEqual([])
        },
      ),
      { numRuns: 10 },
    )
  })

  it('is the same whatever the order of the log', async () => {
    await fc.assert(
      fc.asyncProperty(log, async calls => {
        const texts = [servers('Enforce', '[operations]'), everything]
        const options = { arguments: 'all' } as const
        const { text } = await suggested(calls, texts, options)
        expect((await suggested([...calls].reverse(), texts, options)).text).toBe(text)
      }),
      { numRuns: 10 },
    )
  })
})

async function allowedCall(store: ReturnType<typeof storeWith>, call: MadeCall): Promise<boolean> {
  return (await judged(store, call)) === 'allow'
}

async function expectDangersDenied(
  store: ReturnType<typeof storeWith>,
  principal: Principal,
  calls: readonly MadeCall[],
) {
  const elsewhere: readonly [string, object][] = [
    ['pods_list_in_namespace', { namespace: 'kube-system' }],
    ['pods_delete', { namespace: 'kube-system', name: 'web-1' }],
    ['resources_get', { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'a' }],
    ['resources_get', { apiVersion: 'v1', kind: 'Secret', namespace: 'team-a', name: 'never' }],
    ['resources_delete', { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web' }],
    ['pods_exec', { namespace: 'team-a', name: 'web-1', command: ['id'] }],
  ]
  const everywhere = calls.some(({ message }) => message.includes('"pods_list"'))
  for (const [tool, args] of elsewhere) {
    // Who lists all pods lists those of any namespace.
    if (everywhere && tool === 'pods_list_in_namespace') continue
    expect([tool, await allowedCall(store, toolCall(principal, 'kubernetes', tool, args))]).toEqual([tool, false])
  }
  expect(await allowedCall(store, toolCall(principal, 'files', 'erase_everything'))).toBe(false)
  if (!calls.some(({ server, principal: who }) => server === 'files' && who.user.username === principal.user.username))
    for (const tool of ['read_file', 'write_file'])
      expect([tool, await sharesWithOthers(store, principal, calls, tool)]).toEqual([tool, false])
}

/** Somebody who did nothing at a Server may be given something for his group's sake, but only if he was never seen there. */
async function sharesWithOthers(
  store: ReturnType<typeof storeWith>,
  principal: Principal,
  calls: readonly MadeCall[],
  tool: string,
): Promise<boolean> {
  const own = new Set(principal.user.groups.filter(name => !name.startsWith('system:')))
  const related = calls.some(
    ({ server, principal: who }) => server === 'files' && who.user.groups.some(name => own.has(name)),
  )
  return !related && (await allowedCall(store, toolCall(principal, 'files', tool)))
}
