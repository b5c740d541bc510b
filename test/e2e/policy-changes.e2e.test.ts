import { beforeEach, describe, expect, it } from 'vitest'
import { rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { type FreshStand, freshStand, pods, scaled, stopAfterEach } from './support/fresh-stand.js'
import { initialize } from './support/messages.js'
import type { Stand, StandOptions } from './support/stand.js'

let stand: Stand
let alice: string
let ask: FreshStand['ask']
let passes: FreshStand['passes']
async function prepare(options: StandOptions = {}): Promise<void> {
  ;({ stand, alice, ask, passes } = await freshStand(options))
}

stopAfterEach()

describe('policies that break while mcp-authz runs', () => {
  beforeEach(() => prepare())
  const broken =
    'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: replica-cap }\nspec:\n  oops: 1\n'

  it.each([
    { what: 'a document', text: broken, line: 5 },
    { what: 'the YAML of a file', text: `${broken}  - [\n`, line: undefined },
    {
      what: 'an expression',
      text: broken.replace(
        'oops: 1',
        'match: { servers: [kubernetes] }\n  validations:\n  - expression: nonsense <\n    message: x',
      ),
      line: 7,
    },
  ])('$what: what was denied stays denied, and the log says where it broke', async ({ text, line }) => {
    await stand.policies.write('guardrails.yaml', text)
    const { file, line: at } = await eventually('the error', () =>
      stand.authz.logs.find(({ level }) => level === 'error'),
    )
    expect(file).toMatch(/guardrails\.yaml$/)
    if (line === undefined) expect(at).toBeGreaterThan(1)
    else expect(at).toBe(line)
    const answer = await ask(scaled(9))
    expect(resultOf(answer).isError).toBe(true)
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ policy_reason: 'ReplicaCap' })
    expect(stand.cluster.replicasOf('team-a', 'web')).toBe(2)
  })

  it('leave mcp-authz ready, with a remark', async () => {
    await stand.policies.write('guardrails.yaml', broken)
    const { ready } = await eventually('the remark', async () => {
      const readiness = await stand.authz.readiness()
      return readiness.reasons.some(reason => reason.includes('replica-cap')) && readiness
    })
    expect(ready).toBe(true)
    expect(await passes()).toBe(true)
  })

  it('are in force as soon as they are mended', async () => {
    const good = await stand.policies.read('guardrails.yaml')
    await stand.policies.write('guardrails.yaml', broken)
    await eventually('the error', () => stand.authz.logs.some(({ level }) => level === 'error'))
    expect(resultOf(await ask(scaled(4))).isError).not.toBe(true)
    await stand.policies.write('guardrails.yaml', good.replace('n <= 5', 'n <= 3'))
    await eventually('the new policy', async () => resultOf(await ask(scaled(4))).isError === true)
    expect(resultOf(await ask(scaled(3))).isError).not.toBe(true)
  })

  it('and vanish with their file: what it gave is gone, and nobody may do anything without RBAC', async () => {
    await stand.policies.delete('rbac.yaml')
    const denied = await eventually('the denial', async () => {
      const answer = await ask()
      return resultOf(answer).isError === true && answer
    })
    expect(await stand.authz.record(decisionIdOf(denied))).toMatchObject({ reason: 'authorization.rbac' })
  })
})

describe('policies mounted as a ConfigMap', () => {
  it('change when the link to them is swapped', async () => {
    await prepare({ mountedPolicies: true })
    expect(resultOf(await ask(scaled(4))).isError).not.toBe(true)
    const good = await stand.policies.read('guardrails.yaml')
    await stand.policies.write('guardrails.yaml', good.replace('n <= 5', 'n <= 3'))
    await eventually('the new policy', async () => resultOf(await ask(scaled(4))).isError === true)
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('policies that are broken at the start', () => {
  /** The cap does not compile; everything else does. */
  const policies: StandOptions['policies'] = demo => ({
    ...demo,
    'guardrails.yaml': (demo['guardrails.yaml'] ?? '').replace('replicas.all(n, n <= 5)', 'replicas.all(n, n <='),
  })
  const mended = async (): Promise<string> =>
    (await stand.policies.read('guardrails.yaml')).replace('replicas.all(n, n <=', 'replicas.all(n, n <= 5)')

  it('make nothing ready, and nothing passes', async () => {
    await prepare({ policies, awaitReady: false })
    expect(await stand.authz.readiness()).toMatchObject({ ready: false })
    const answer = await ask()
    expect(answer.status).toBe(503)
    expect(errorOf(answer)).toMatchObject({ code: -31503, data: { reason: 'policy.not_loaded' } })
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ reason: 'policy.not_loaded' })
    expect(stand.proxy.count()).toBe(0)
    expect(await stand.envoySeesHealthy()).toBe(false)
  })

  it('and are mended, everything begins to work', async () => {
    await prepare({ policies, awaitReady: false })
    await stand.policies.write('guardrails.yaml', await mended())
    await stand.authz.untilReady()
    expect(await passes()).toBe(true)
    await eventually('the health check of Envoy', () => stand.envoySeesHealthy())
  })

  it('with brokenPolicies: serve: only what they could restrict is denied', async () => {
    await prepare({ policies, config: { startup: { brokenPolicies: 'serve' } } })
    expect(await stand.authz.readiness()).toMatchObject({ ready: true })
    expect(resultOf(await ask(initialize))).toMatchObject({ serverInfo: {} })
    const answer = await ask(scaled(3))
    expect(resultOf(answer).isError).toBe(true)
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ decision: 'deny', reason: 'policy.error' })
    expect(stand.cluster.writes()).toEqual([])

    await stand.policies.write('guardrails.yaml', await mended())
    await eventually('the mended policy', async () => resultOf(await ask(scaled(3))).isError !== true)
  })
})

describe('a Server in Audit', () => {
  beforeEach(() =>
    prepare({
      serverIgnoresTokens: true,
      policies: demo => ({
        ...demo,
        'server.yaml': (demo['server.yaml'] ?? '').replace('mode: Enforce', 'mode: Audit'),
      }),
    }),
  )

  it.each([
    { what: 'a call without a role', body: pods('team-b'), would: { reason: 'authorization.rbac' } },
    {
      what: 'a call against a guardrail',
      body: scaled(9),
      would: { reason: 'guardrail.violated', policy: 'Guardrail/replica-cap', policy_reason: 'ReplicaCap' },
    },
  ])('lets $what pass, and records what it would have said', async ({ body, would }) => {
    const answer = await ask(body)
    expect(resultOf(answer).isError).not.toBe(true)
    expect(stand.proxy.count()).toBe(1)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record).toMatchObject({ mode: 'audit', decision: 'allow' })
    // Depending on the time of day, policies/demo has another objection.
    expect(record.would_deny).toContainEqual(would)
  })

  it('lets a request without a token pass, and the caller keep the token it sends', async () => {
    const answer = await rawPost({ url: stand.url, body: initialize })
    expect(answer.status).toBe(200)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record.would_deny).toEqual([{ reason: 'identity.token_missing' }])
    await ask(initialize)
    expect(stand.proxy.last()?.headers.authorization).toBe(`Bearer ${alice}`)
  })

  it('is said wherever somebody looks', async () => {
    expect((await stand.authz.readiness()).reasons.join()).toContain('kubernetes')
    expect(stand.authz.logs.filter(({ message }) => message.includes('Audit'))).toHaveLength(1)
  })
})
