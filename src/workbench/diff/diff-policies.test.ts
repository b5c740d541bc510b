import { describe, expect, it } from 'vitest'
import { demoText, diffTexts, workshopText } from './diff.fixture.js'
import { canICommand, type DiffExample, quoted } from './diff-example.js'

describe('diffPolicies', () => {
  it('names the rule, the callers and the smallest call', async () => {
    const { groups, documents, totals } = await diffTexts(demoText, demoText.replace('n <= 5)', 'n <= 6)'), {
      calls: 2500,
    })
    expect(documents).toEqual({ added: [], removed: [], changed: ['Guardrail/replica-cap'], renamed: [] })
    expect(totals).toMatchObject({ tightened: 0, changed: expect.any(Number) })
    const scale = groups.find(({ what }) => what === 'resources_scale')
    expect(scale).toMatchObject({
      result: 'weakened',
      server: 'kubernetes',
      who: 'Group team-a-developers',
      before: 'deny by guardrail.violated (Guardrail/replica-cap)',
      after: 'allow',
      policies: ['Guardrail/replica-cap'],
      example: { user: 'someone', groups: ['team-a-developers'], agent: undefined, headers: {} },
    })
    expect(scale?.example.arguments).toEqual({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'example', scale: 6 },
    })
  })

  it('finds early what only shows inside a manifest', async () => {
    const { groups } = await diffTexts(demoText, demoText.replace('n <= 5)', 'n <= 6)'), { calls: 1500 })
    const manifest = groups.find(({ what, result }) => what === 'resources_create_or_update' && result === 'weakened')
    expect(manifest?.example.arguments).toEqual({ resource: expect.stringContaining('"replicas":6') })
  })

  it('keeps to its time while it makes examples small, and can be stopped', async () => {
    const open = workshopText.replace(', scopes: [files:read]', '')
    const hurried = await diffTexts(workshopText, open, { timeMs: 0 })
    expect(hurried).toMatchObject({ ended: 'time', shrunk: false })
    expect(hurried.groups.length).toBeGreaterThan(0)
    expect(await diffTexts(workshopText, open, { first: true })).toMatchObject({ shrunk: true })
    const abort = new AbortController()
    setImmediate(() => abort.abort())
    await expect(diffTexts(workshopText, open, { first: true, signal: abort.signal })).rejects.toThrow(/^stopped after/)
  })

  it('says what gives and takes where no rule is named', async () => {
    const { groups } = await diffTexts(demoText, demoText.replace('tools: [book]', 'tools: [book, erase]'), {
      calls: 1000,
    })
    expect(groups).toMatchObject([
      { result: 'weakened', what: 'erase', before: 'deny by authorization.grant', policies: ['Grant/developers-book'] },
    ])
  })

  it('knows another name from another rule', async () => {
    const renamed = workshopText.replace('name: amounts', 'name: zz-amounts').replace('name: paths', 'name: a-paths')
    const diff = await diffTexts(workshopText, renamed)
    expect(diff).toMatchObject({ ended: 'nothing', judged: 0, groups: [] })
    expect(diff.documents.renamed).toHaveLength(2)
  })

  it('follows a name that changed beside something else', async () => {
    const other = workshopText.replace('name: paths', 'name: a-paths').replace('500 : 100', '501 : 100')
    const { groups } = await diffTexts(workshopText, other, { calls: 2000 })
    expect(new Set(groups.flatMap(({ policies }) => policies))).toEqual(new Set(['Guardrail/amounts']))
  })

  it('judges headers and what is only noted as well', async () => {
    const header = await diffTexts(
      demoText,
      demoText.replace('valueExpression: tenant }\n  record', 'valueExpression: "\'t-\' + tenant" }\n  record'),
      { calls: 2000 },
    )
    expect(header.groups[0]).toMatchObject({
      result: 'changed',
      after: expect.stringContaining('header x-mcp-authz-team: t-'),
    })
    const noted = await diffTexts(demoText, demoText.replace('mode: Audit', 'mode: Warn'), { calls: 2000 })
    expect(noted.groups[0]).toMatchObject({ result: 'changed', after: 'allow (warns: Guardrail/office-hours)' })
  })

  it('sees a Server that is not there any more', async () => {
    const { groups } = await diffTexts(`${demoText}\n---\n${workshopText}`, demoText, { calls: 2000 })
    expect(groups[0]).toMatchObject({ result: 'tightened', server: 'files', after: 'deny by server.unknown' })
  })

  it('takes permissions of clusters as given, and says so', async () => {
    const withoutRbac = (text: string) =>
      text
        .split('\n---\n')
        .filter(one => !one.includes('rbac.authorization'))
        .join('\n---\n')
    const old = withoutRbac(demoText)
    const diff = await diffTexts(old, old.replace('n <= 5)', 'n <= 6)'), { calls: 2000 })
    expect(diff.groups[0]).toMatchObject({ result: 'weakened', who: 'anyone' })
    expect(diff.notCompared).toEqual([expect.stringMatching(/^permissions of clusters/)])
  })

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'identity',
      text => text.replace('tenant: "claims.tenant"', 'tenant: "claims.team"'),
      /^who callers are \(Identity\/default\)/,
    ],
    [
      'credentials',
      text =>
        text.replace('catalog: kubernetes-mcp-server\n', 'catalog: kubernetes-mcp-server\n  audiences: [other]\n'),
      /^audiences of Server\/kubernetes/,
    ],
    [
      'results',
      text =>
        `${text}\n---\n{ apiVersion: mcp-authz.dev/v1alpha1, kind: Guardrail, metadata: { name: big }, spec: { on: response, maxBytes: 10 } }`,
      /^what comes back \(Guardrail\/big\)/,
    ],
    [
      'methods',
      text =>
        `${text}\n---\n{ apiVersion: mcp-authz.dev/v1alpha1, kind: Guardrail, metadata: { name: c }, spec: { match: { methods: [completion/complete] }, validations: [{ expression: "false" }] } }`,
      /^methods of which no calls are made up \(Guardrail\/c\)/,
    ],
  ])('says that it does not see %s', async (_, change, said) => {
    const { notCompared, groups } = await diffTexts(demoText, change(demoText), { calls: 500 })
    expect(notCompared).toEqual([expect.stringMatching(said)])
    expect(groups).toEqual([])
  })

  it('is the same for the same seed', async () => {
    const run = () =>
      diffTexts(demoText, demoText.replace('namespace: team-a }', 'namespace: team-b }'), { calls: 1000, seed: 5 })
    expect(await run()).toEqual(await run())
  })

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort()
    await expect(diffTexts(demoText, workshopText, { signal })).rejects.toThrow(/^stopped after \d+ calls$/)
    expect(await diffTexts(demoText, workshopText, { timeMs: 0 })).toMatchObject({ ended: 'time' })
    expect(await diffTexts(demoText, workshopText, { calls: 10 })).toMatchObject({ ended: 'calls', judged: 10 })
  })
})

describe('canICommand', () => {
  const example: DiffExample = {
    ...{ server: 's', method: 'tools/call', name: "it's", user: 'someone', groups: ['a b'], agent: undefined },
    ...{ scopes: [], tenant: undefined, workload: '', kind: 'user', claims: {}, headers: {}, address: '' },
    ...{ at: undefined, arguments: { x: "'" } },
  }

  it('can be pasted into a shell', () => {
    expect(canICommand(example)).toBe(
      `mcp-authz can-i call 's/it'\\''s' --as someone --as-group 'a b' --args '{"x":"'\\''"}'`,
    )
    expect(quoted('a/b:c=1')).toBe('a/b:c=1')
  })

  it('is not there where no flag can say it', () => {
    expect(canICommand({ ...example, address: '10.0.0.1' })).toBeUndefined()
    expect(canICommand({ ...example, agent: { issuer: 'a', id: 'b', assurance: 'claimed' } })).toBeUndefined()
  })
})
