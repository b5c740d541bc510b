import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { Viewer } from './hypothetical-call.js'
import { createResultReview, type ResultReview } from './review-result.js'
import type { GuardedAnswer } from './reviewed-exchange.js'

const alice = person('alice', ['sre'])

interface Setting {
  readonly rule?: string
  readonly server?: string
  readonly method?: string
  readonly tool?: string
  readonly who?: string
  readonly now?: Viewer['now']
}

async function review(
  result: unknown,
  setting: Setting = {},
): Promise<ResultReview & { text: string; same: boolean; guarded: readonly GuardedAnswer[] }> {
  const { rule, server = '', method = 'tools/call', tool, who = 'alice' } = setting
  const documents = [
    `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Server, metadata: { name: srv }, spec: { resource: 'https://srv.example.com/mcp', ${server} } }`,
    ...(rule === undefined
      ? []
      : [
          `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Guardrail, metadata: { name: g }, spec: { on: response, ${rule} } }`,
        ]),
  ]
  const store = storeOf([memorySource({ 'a.yaml': documents.join('\n---\n') })], namesAsTokens({ alice }), 'serve')
  store.load()
  const bytes = Buffer.from(typeof result === 'string' ? result : JSON.stringify(result))
  const request = inbound({ headers: { authorization: `Bearer ${who}` }, extensions: { 'mcp-server': 'srv' } })
  const guarded: GuardedAnswer[] = []
  const reviewing = createResultReview({ snapshot: () => store.current, onGuarded: one => guarded.push(one) })
  const reviewed = await reviewing({ request, method, tool, result: bytes })
  const text = reviewed.ok ? Buffer.from(reviewed.result).toString('utf8') : ''
  return { ...reviewed, guarded, text, same: reviewed.ok && reviewed.result === bytes }
}

const texts = (text: string) => ({ content: [{ type: 'text', text }] })
const redact = "patterns: [{ pattern: 'AKIA' }]"
const deny = "patterns: [{ pattern: 'AKIA', action: Deny, message: no keys }]"

describe('a result on its way to the client', () => {
  it('passes where there are no rules, whoever asks', async () => {
    expect(await review(texts('AKIA'), { who: 'nobody' })).toMatchObject({ ok: true, same: true })
  })

  it('passes as it is where the rules have nothing to say', async () => {
    expect(await review(texts('a'), { rule: redact })).toMatchObject({
      ok: true,
      same: true,
      guarded: [],
    })
    expect(await review(texts('AKIA'), { rule: redact, method: 'initialize' })).toMatchObject({ same: true })
    const other = { rule: `match: { tools: [b] }, ${redact}`, tool: 'a' }
    expect(await review(texts('AKIA'), other)).toMatchObject({ same: true })
  })

  it('is redacted', async () => {
    const { text } = await review(texts('an AKIA'), { rule: `match: { tools: [b] }, ${redact}` })
    expect(JSON.parse(text)).toEqual(texts('an [redacted by g]'))
  })

  it('is withheld as a result of a tool', async () => {
    const reviewed = await review(texts('AKIA'), { rule: deny })
    expect(JSON.parse(reviewed.text)).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('carried out') }],
    })
    const [noted] = reviewed.guarded
    expect(noted).toMatchObject({
      notes: { failures: [{ policy: 'Guardrail/g' }] },
      principal: { user: { username: 'alice' } },
    })
    expect(reviewed.text).toContain(noted?.decisionId)
  })

  it('is denied where there is no such result', async () => {
    const reviewed = await review({ contents: [{ uri: 'u', text: 'AKIA' }] }, { rule: deny, method: 'resources/read' })
    expect(reviewed).toMatchObject({
      ok: false,
      decision: { failure: { policy: 'Guardrail/g', message: expect.stringContaining('was carried out') } },
    })
    const hidden = { rule: deny, method: 'resources/read', server: 'denial: hide' }
    const { guarded, ...told } = await review({ contents: [{ uri: 'u', text: 'AKIA' }] }, hidden)
    expect(JSON.stringify(told)).not.toContain('no keys')
    expect(guarded).toHaveLength(1)
  })

  it.each([
    ['cannot be read', '{"a":', 'alice', 'internal.error'],
    ['is two', '{},"result":{}', 'alice', 'internal.error'],
    ['is for nobody', '{}', 'nobody', 'identity.signature'],
  ])('is denied where it %s', async (_why, result, who, reason) => {
    expect(await review(result, { rule: redact, who })).toMatchObject({ ok: false, decision: { failure: { reason } } })
  })

  it('passes in Audit', async () => {
    expect(await review(texts('AKIA'), { rule: deny, server: 'mode: Audit' })).toMatchObject({ ok: true, same: true })
  })

  it('is filtered first, if it is a list', async () => {
    const list = { tools: [{ name: 'a', description: 'AKIA' }] }
    const setting = { method: 'tools/list', rule: `match: { methods: [tools/list] }, ${redact}` }
    const { text } = await review(list, { ...setting, server: 'require: [grants]' })
    expect(JSON.parse(text)).toMatchObject({ tools: [] })
    const shown = await review(list, {
      ...setting,
      server: 'require: [grants], mode: Enforce',
      rule: `${setting.rule}, mode: Warn`,
    })
    expect(shown).toMatchObject({ ok: true })
  })
})
