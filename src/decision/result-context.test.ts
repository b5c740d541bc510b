import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person } from '../../test/support/policies.js'
import { PolicyStore } from '../policy/policy-store.js'
import { createDecide } from './create-decide.js'

const alice = person('alice', ['team-a-developers'])

interface Setting {
  /** Expressions of an Enrichment's resultContext. */
  readonly context: readonly string[]
  readonly mode?: 'Enforce' | 'Audit'
  readonly seesAnswers?: boolean
  readonly body?: unknown
}

const podsGet = toolsCall('pods_get', { name: 'web', namespace: 'team-a' })

async function contextOf({ context, mode = 'Enforce', seesAnswers = true, body = podsGet }: Setting) {
  const documents = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: srv }
spec: { resource: "https://srv.example.com/mcp", catalog: kubernetes-mcp-server, batches: legacy, mode: ${mode} }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Enrichment
metadata: { name: e }
spec: ${JSON.stringify({ match: { servers: ['srv'] }, resultContext: context.map(expression => ({ expression })) })}
`
  const store = new PolicyStore({
    sources: [catalogs, demo, memorySource({ 'a.yaml': documents })],
    compile: { seesAnswers },
    assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({ alice }), findings: [] }) },
    brokenPolicies: 'refuse',
  })
  const { findings } = store.load()
  const decide = createDecide({ snapshot: () => store.current, seesAnswers })
  const headers = { authorization: 'Bearer alice', 'mcp-protocol-version': '2025-03-26' }
  const decision = await decide(inbound({ headers, extensions: { 'mcp-server': 'srv' }, body }))
  return {
    outcome: decision.outcome,
    texts: decision.metadata.get('result_context'),
    reported: findings.some(({ path }) => path.includes('resultContext')),
  }
}

describe('texts beside a result', () => {
  it('are told to the door that sees it', async () => {
    const texts = ['hello alice', 'b']
    expect(await contextOf({ context: ["'hello ' + user.username", "'b'"] })).toEqual({
      ...{ outcome: 'allow', texts, reported: false },
    })
  })

  it('are reported where there is none', async () => {
    expect(await contextOf({ context: ["'a'"], seesAnswers: false })).toEqual({
      ...{ outcome: 'allow', texts: undefined, reported: true },
    })
  })

  const long = `'${'ä'.repeat(400)}'`
  it.each([
    ['one that fails', ["'a'", "claims['none']", "'b'"], ['a', 'b']],
    ['those beyond the limit', ["'a'", long, long, "'b'"], ['a', 'ä'.repeat(400)]],
    ['what hides from the eye', [String.raw`'a​b\r\nc'`], ['a b c']],
    ['all, if there is nothing to say', ["''"], undefined],
  ])('leave out %s', async (_what, context, texts) => {
    expect((await contextOf({ context })).texts).toEqual(texts)
  })

  it.each([
    ['a Server in Audit', { mode: 'Audit' }],
    ['a batch', { body: [podsGet] }],
    ['a list', { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }],
  ] as const)('are none for %s', async (_what, more) => {
    const { outcome, texts } = await contextOf({ context: ["'a'"], ...more })
    expect({ outcome, texts }).toEqual({ outcome: 'allow', texts: undefined })
  })

  it('are none for a denied call', async () => {
    const denied = toolsCall('pods_get', { name: 'web', namespace: 'team-b' })
    expect(await contextOf({ context: ["'a'"], body: denied })).toMatchObject({ outcome: 'deny', texts: undefined })
  })
})
