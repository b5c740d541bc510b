import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createResultGuard } from '../src/decision/guard-results.js'
import { packageRoot } from '../src/package-root.js'
import { memorySource, namesAsTokens, person, storeOf } from './support/policies.js'

const server =
  "{ apiVersion: mcp-authz.dev/v1alpha1, kind: Server, metadata: { name: srv }, spec: { resource: 'https://srv.example.com/mcp' } }"

function guardOf(file: string) {
  const text = readFileSync(join(packageRoot, 'policies/baseline', file), 'utf8')
  const store = storeOf([memorySource({ 'server.yaml': server, [file]: text })], namesAsTokens({}))
  const { findings } = store.load()
  expect(findings).toEqual([])
  const snapshot = store.current
  const srv = snapshot?.servers.byName('srv')
  if (snapshot === undefined || srv === undefined) throw new Error('the policies do not load')
  return createResultGuard({ snapshot, server: srv, principal: person('alice') }, { method: 'tools/call', tool: 't' })
}

/** Made up, and written in two parts, so that nobody who looks for credentials takes them for some. */
const secret = (...parts: string[]) => parts.join('')
const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'
const pem = secret('-----BEGIN RSA PRIV', `ATE KEY-----\n${body}\n${body}\n-----END RSA PRIV`, 'ATE KEY-----')
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = `${base64({ alg: 'none', typ: 'JWT' })}.${base64({ sub: 'somebody' })}.c2lnbmF0dXJl`

describe('redact-credentials', () => {
  const guard = guardOf('redact-credentials.yaml')

  async function through(text: string): Promise<string> {
    const message = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } }
    const guarded = await guard.guard(Buffer.from(JSON.stringify(message)), 'd')
    if (!guarded.ok) throw new Error(guarded.message)
    return JSON.parse(Buffer.from(guarded.bytes).toString('utf8')).result.content[0].text
  }

  it.each([
    ['an AWS key id', `id=${secret('AKIA', 'IOSFODNN7EXAMPLE')} end`, 'id=[redacted: AWS access key id] end'],
    [
      'an AWS secret',
      `AWS_SECRET_ACCESS_KEY=${secret('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY')}`,
      '[redacted: AWS secret]',
    ],
    [
      'one in JSON',
      `{"aws_secret_access_key": "${secret('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY')}"}`,
      '{"[redacted: AWS secret]"}',
    ],
    ['a Google key', secret('AIza', 'SyA1234567890abcdefghijklmnopqrstuv'), '[redacted: Google API key]'],
    ['a GitHub token', secret('ghp_', 'a'.repeat(36)), '[redacted: GitHub token]'],
    ['a fine-grained one', secret('github_', `pat_${'a1_'.repeat(20)}`), '[redacted: GitHub token]'],
    ['a GitLab token', secret('glpat-', 'a'.repeat(20)), '[redacted: GitLab token]'],
    ['a Slack token', secret('xoxb-', '123456789012-abc'), '[redacted: Slack token]'],
    ['a Stripe key', secret('sk_live_', 'a'.repeat(24)), '[redacted: Stripe key]'],
    ['a JWT', `Authorization: Bearer ${jwt}, next`, 'Authorization: Bearer [redacted: JWT], next'],
    ['a private key', `a\n${pem}\nb`, 'a\n[redacted: private key]\nb'],
    ['one in a text in a text', JSON.stringify({ key: pem, n: 1 }), '{"key":"[redacted: private key]","n":1}'],
    ['one that is cut off', `a\n${pem.slice(0, 80)}`, 'a\n[redacted: private key]'],
    ['two of them', `${pem}\nkeep this\n${pem}`, '[redacted: private key]\nkeep this\n[redacted: private key]'],
    ['a kubeconfig', `    client-key-data: ${body}${body}=\n    b: c`, '    [redacted: client key]\n    b: c'],
    [
      'a URL',
      'DATABASE_URL=postgres://app:s3cret@db:5432/app',
      'DATABASE_URL=[redacted: credentials in a URL]db:5432/app',
    ],
  ])('%s', async (_name, text, expected) => expect(await through(text)).toBe(expected))

  it.each([
    'certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
    'registry.example.com/team/image@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'commit 5d41402abc4b2a76b9719d911017c592aaaaaaaa by somebody@example.com',
    'https://example.com/a:b@c http://host:8080/path?x=y@z ssh://git@example.com:22/repo',
    'serviceaccount token mounted at /var/run/secrets/kubernetes.io/serviceaccount/token',
    'pod/web-7d9f4b8c6d-AKIA restarted; eyJ is how tokens begin; task sk_live_ or not',
    'password: ask your team',
  ])('leaves %j', async text => expect(await through(text)).toBe(text))
})
