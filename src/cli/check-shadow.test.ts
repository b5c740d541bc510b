import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-check-shadow-'))
afterAll(() => rmSync(folder, { recursive: true }))

const server =
  'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: bank }\nspec: { resource: "https://bank.example.com/mcp" }\n'
const issuer =
  'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: { url: "https://idp.example.com", audiences: ["https://bank.example.com/mcp"] }\n  claimMappings: { username: { claim: sub, prefix: "" } }\n'
const grant =
  'apiVersion: mcp-authz.dev/v1alpha1\nkind: Grant\nmetadata: { name: staff }\nspec: { match: { servers: [bank], subjects: [{ kind: Group, name: "system:authenticated" }] } }\n'
const guardrail = (expression: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: g }\nspec: { match: { servers: [bank] }, validations: [{ expression: '${expression}' }] }\n`

let runs = 0
async function check(policies: Record<string, string>, shadow: Record<string, string>) {
  const base = join(folder, `${runs++}`)
  for (const [name, files] of Object.entries({ policies, shadow })) {
    mkdirSync(join(base, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(base, name, file), text)
  }
  const config = join(base, 'config.yaml')
  writeFileSync(
    config,
    'apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { sources: [{ directory: policies }], shadow: { sources: [{ directory: shadow }] } }\n',
  )
  const out: string[] = []
  const io = { out: (text: string) => void out.push(text), err: () => undefined, env: {}, signal: AbortSignal.abort() }
  const code = await run(['check', '--config', config], io)
  return { code, out: out.join('\n') }
}

describe('check of a configuration with a shadow', () => {
  const policies = { 'a.yaml': `${server}---\n${issuer}---\n${grant}` }

  it('says that all is well', async () => {
    const { code, out } = await check(policies, { 'b.yaml': guardrail('user.username != "ann"') })
    expect(out).toMatch(/^\d+ documents, 0 errors, 0 warnings, revision .+\nin the shadow: 1 document, revision /)
    expect(code).toBe(0)
  })

  it.each([
    ['does not compile', policies, guardrail('user.username <'), 3, 'shadow/b.yaml:4:.*: error: .*in the shadow: '],
    ['does nothing', policies, issuer, 2, 'warning: .*in the shadow: is not tried in the shadow'],
    [
      'does not compile, beside policies that do not either',
      { 'a.yaml': 'kind: [' },
      guardrail('1 +'),
      3,
      'in the shadow: ',
    ],
  ])('says what %s', async (_, inForce, text, code, message) => {
    const checked = await check(inForce, { 'b.yaml': text })
    expect(checked.out).toMatch(new RegExp(message))
    expect(checked.code).toBe(code)
  })
})
