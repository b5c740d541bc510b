import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Decide, Decision } from '../../../decision/decision.js'
import type { InboundRequest } from '../../../protocol/inbound-request.js'
import { isJsonObject, type JsonObject } from '../../../protocol/json-value.js'
import { parseStrictJson } from '../../../protocol/strict-json.js'
import type { EvaluationRules } from './read-evaluation.js'

export const gatewayToken = 'gateway-0123456789abcdef0123456789abcdef'

/** A folder that is gone after the test. */
export function temporaryFolder(): {
  readonly path: string
  write(name: string, text: string): string
  remove(): void
} {
  const path = mkdtempSync(join(tmpdir(), 'authzen-'))
  return {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text)
      return join(path, name)
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

export const allowed: Decision = {
  id: 'd1',
  outcome: 'allow',
  failure: undefined,
  would: [],
  warnings: [],
  answer: {
    kind: 'allow',
    setHeaders: [{ name: 'x-mcp-authz-user', value: 'alice' }],
    removeHeaders: [],
    responseHeaders: [],
  },
  metadata: new Map([['policy_revision', 'r1']]),
}

/** A denial as the decision makes it: a tool result under the id of the message. */
export const denied: Decision = {
  id: 'd2',
  outcome: 'deny',
  failure: {
    stage: 'guardrail',
    reason: 'guardrail.violated',
    message: 'at most 5 replicas; you asked for 10',
    hints: ['Ask for 5 or fewer.'],
    policy: 'Guardrail/replica-cap',
    policyReason: 'ReplicaCap',
  },
  would: [],
  warnings: [],
  answer: {
    kind: 'respond',
    status: 200,
    headers: [
      { name: 'content-type', value: 'application/json' },
      { name: 'access-control-allow-origin', value: '*' },
    ],
    body: '{"jsonrpc":"2.0","id":7,"result":{"isError":true,"content":[{"type":"text","text":"Denied by policy: at most 5 replicas; you asked for 10. Decision: d2."}]}}',
  },
  metadata: new Map([['policy_revision', 'r1']]),
}

/** Allows what calls a tool whose name begins with "allowed", and keeps what it was asked. */
export function byName(): { readonly decide: Decide; readonly asked: InboundRequest[] } {
  const asked: InboundRequest[] = []
  return {
    asked,
    decide: request => {
      asked.push(request)
      return messageOf(request).includes('"name":"allowed') ? allowed : denied
    },
  }
}

export function messageOf({ body }: InboundRequest): string {
  return body.state === 'complete' ? Buffer.from(body.bytes).toString('utf8') : ''
}

/** A JWT that nobody signed: for what looks at a token before it is verified. */
export function unsignedToken(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part(claims)}.AAAA`
}

export const aliceToken = unsignedToken({ sub: 'alice', iss: 'https://idp.example.com' })

/** A tools/call as an evaluation. */
export function evaluation(tool = 'allowed-tool', more: object = {}): Record<string, unknown> {
  return {
    subject: { type: 'identity', id: 'alice', properties: { access_token: aliceToken } },
    action: { name: 'tools/call', properties: { params: { name: tool, arguments: { a: 1 } } } },
    resource: { type: 'tool', id: tool, properties: { server: 'files' } },
    ...more,
  }
}

export function jsonObject(value: unknown): JsonObject {
  const json = parseStrictJson(Buffer.from(JSON.stringify(value)))
  if (!json.ok || !isJsonObject(json.value)) throw new Error('not an object')
  return json.value
}

export function rules(more: Partial<EvaluationRules> = {}, trust: 'none' | 'mtls' = 'none'): EvaluationRules {
  const known = {
    files: { name: 'files', authority: 'mcp.example.com', path: '/files', protocol: 'mcp' },
    json: { name: 'json', authority: 'mcp.example.com', path: '/json', protocol: 'json' },
  } as const
  return {
    listener: { name: 't', door: 'authzen', profile: 'envoy', trust },
    findServer: id =>
      id === 'files' || id === 'https://mcp.example.com/files' ? known.files : id === 'json' ? known.json : undefined,
    server: undefined,
    subjectClaim: 'sub',
    deadline: Date.now() + 5000,
    traceparent: undefined,
    room: { bytes: 1024 * 1024 },
    ...more,
  }
}
