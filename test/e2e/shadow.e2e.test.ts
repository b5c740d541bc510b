import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { freePort } from '../../src/demo/free-port.js'
import { packageRoot } from '../../src/package-root.js'
import { decisionIdOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { type FreshStand, freshStand, pods, scaled, stopAfterEach } from './support/fresh-stand.js'

const Policies = z.looseObject({
  revision: z.string(),
  shadow: z.looseObject({
    revision: z.string(),
    documents: z.array(z.looseObject({ name: z.string(), state: z.string() })),
    broken: z.array(z.string()),
  }),
})
const Decisions = z.looseObject({ decisions: z.array(z.looseObject({ decision_id: z.string() })) })

const guardrail = (name: string, most: number): string => `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ${name} }
spec:
  match: { servers: [kubernetes], tools: [resources_scale] }
  validations:
  - expression: replicas.all(n, n <= ${most})
    message: at most ${most} replicas
    reason: FewReplicas
`

let folder: string
let shadow: string
let log: string
let adminPort: number
let stand: FreshStand['stand']
let ask: FreshStand['ask']

stopAfterEach()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-authz-shadow-'))
  shadow = join(folder, 'shadow')
  log = join(folder, 'decisions.ndjson')
  adminPort = await freePort()
  await mkdir(shadow)
  await writeFile(join(shadow, 'few.yaml'), guardrail('few-replicas', 3))
  const config = {
    shadow: { sources: [{ directory: shadow }] },
    admin: { port: adminPort },
    decisionLog: { stdout: true, file: log, chain: true },
  }
  ;({ stand, ask } = await freshStand({ config }))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function metric(series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${stand.httpPort}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${series} `))
      ?.slice(series.length) ?? 0,
  )
}

const compared = (result: string) => metric(`mcp_authz_shadow_decisions_total{server="kubernetes",result="${result}"}`)

async function admin<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> {
  return schema.parse(await (await fetch(`http://127.0.0.1:${adminPort}${path}`)).json())
}

/** What a command says, and how it ends. */
function run(
  ...args: readonly string[]
): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [join(packageRoot, 'dist', 'cli', 'main.js'), ...args], (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    )
  })
}

describe('policies in the shadow', () => {
  it('deny nothing and tell what they would deny, until they are moved; then they deny it', async () => {
    const passed = await ask(scaled(4))
    expect(resultOf(passed).isError).not.toBe(true)
    expect(stand.cluster.replicasOf('team-a', 'web')).toBe(4)
    const id = decisionIdOf(passed)
    const found = await eventually('the difference', () =>
      stand.authz.differences.find(({ decision_id }) => decision_id === id),
    )
    const record = await stand.authz.record(id)
    expect(record).toMatchObject({ decision: 'allow', policy_revision: found.policy_revision })
    expect(found).toMatchObject({
      result: 'tightened',
      decided: { decision: 'allow' },
      shadow: {
        decision: 'deny',
        reason: 'guardrail.violated',
        policy: 'Guardrail/few-replicas',
        policy_reason: 'FewReplicas',
      },
      mcp: { method: 'tools/call', target: { kind: 'tool', name: 'resources_scale' } },
    })
    await ask(pods('team-a'))
    await eventually('the count of what is the same', async () => (await compared('same')) >= 1)
    expect(await compared('tightened')).toBe(1)
    expect(await metric('mcp_authz_shadow_documents')).toBe(1)

    // The admin listener shows both.
    const before = await admin('/policies', Policies)
    expect(before.shadow).toMatchObject({
      revision: found.shadow_revision,
      documents: [{ name: 'few-replicas', state: 'added' }],
    })
    const differing = await admin('/decisions?shadow=true', Decisions)
    expect(differing.decisions).toMatchObject([{ decision_id: id, shadow: { result: 'tightened' } }])

    // The move, in one step. Nothing in the file changes, and nothing is started anew.
    const { pid } = stand.authz.child
    await rename(join(shadow, 'few.yaml'), join(stand.policies.path, 'few.yaml'))
    const denied = await eventually('the policy in force', async () => {
      const answer = await ask(scaled(4))
      return resultOf(answer).isError === true && answer
    })
    const enforced = await stand.authz.record(decisionIdOf(denied))
    expect(enforced).toMatchObject({ decision: 'deny', policy: 'Guardrail/few-replicas' })
    expect(enforced.policy_revision).toBe(found.shadow_revision)
    expect(stand.authz.child.pid).toBe(pid)
    const after = await eventually('the end of the shadow', async () => {
      const { revision, shadow: set } = await admin('/policies', Policies)
      return set.documents.length === 0 && set.revision === revision && set
    })
    expect(after.broken).toEqual([])
    const same = await compared('same')
    await ask(scaled(4))
    await eventually('the comparison', async () => (await compared('same')) > same)
    expect(stand.authz.differences.filter(one => one.decision_id === decisionIdOf(denied))).toEqual([])
  })

  it('may be broken: that is told, and nothing else is different', async () => {
    await writeFile(join(shadow, 'bad.yaml'), guardrail('bad', 1).replace('n <= 1', 'n <= '))
    await eventually('the reason', async () =>
      (await stand.authz.readiness()).reasons.includes('shadow: Guardrail/bad is broken, and is not tried'),
    )
    expect(await stand.authz.readiness()).toMatchObject({ ready: true })
    expect(await metric('mcp_authz_shadow_broken_documents')).toBe(1)
    expect(await metric('mcp_authz_policy_broken_documents')).toBe(0)
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
    const told = await eventually('the line of the log', () =>
      stand.authz.logs.find(({ policy }) => policy === 'Guardrail/bad'),
    )
    expect(told).toMatchObject({ level: 'warn', line: 7 })
    expect(resultOf(await ask(scaled(2))).isError).not.toBe(true)
    const passed = await ask(scaled(4))
    expect(resultOf(passed).isError).not.toBe(true)
    // The rest is still tried.
    await eventually('the difference', () =>
      stand.authz.differences.some(({ decision_id }) => decision_id === decisionIdOf(passed)),
    )
  })

  it('leave a log that every command reads', async () => {
    for (const replicas of [2, 3, 4, 5]) await ask(scaled(replicas))
    await eventually('the differences', () => stand.authz.differences.length === 2)
    await stand.authz.stop()
    const verified = await run('log', 'verify', log)
    expect(verified).toMatchObject({ code: 0 })
    expect(await run('log', 'check', log)).toMatchObject({ code: 0 })
    const policies = ['--policies', stand.policies.path, '--set', 'identity.insecureLoopbackIssuers=true']
    const replayed = await run('replay', log, ...policies, '-o', 'json')
    expect(replayed).toMatchObject({ code: 0 })
    expect(JSON.parse(replayed.out)).toMatchObject({ records: 4, unreadable: 0 })
    const suggested = await run('suggest', log, ...policies)
    expect(suggested).toMatchObject({ code: 0 })
    expect(suggested.out + suggested.err).toMatch(/4 (?:records|calls|decisions)/)
  })
})
