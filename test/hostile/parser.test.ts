import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCheckRequest } from '../../src/doors/ext-authz/read-check-request.js'
import type { Server } from '../../src/policy/server.js'
import type { Call } from '../../src/protocol/call.js'
import { checkFraming } from '../../src/protocol/framing.js'
import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import type { JsonValue } from '../../src/protocol/json-value.js'
import { readCalls } from '../../src/protocol/mcp/classify.js'
import { readInnerCall } from '../../src/protocol/mcp/meta-tool.js'
import { parameterMismatch } from '../../src/protocol/mcp/parameter-headers.js'
import { serverOf } from './support/case-request.js'
import { checkForms, checkRequest } from './support/check-request.js'
import { type LoadedCase, loadCorpus } from './support/load-corpus.js'
import { type CorpusCheck, startCorpusCheck } from './support/start-corpus-check.js'

/** What the pure functions say: the form of the request and of its message, without identity and policies. */
const parsed = new Set(['framing', 'message', 'method', 'session'])
/** These take a policy or a catalogue. */
const byPolicy = new Set(['message.argument', 'message.manifest'])
const [form] = checkForms
let corpus: CorpusCheck
beforeAll(async () => {
  corpus = await startCorpusCheck()
})
afterAll(() => corpus.stop())

function inboundOf(one: LoadedCase): InboundRequest | undefined {
  if (form === undefined) throw new Error('no form')
  const listener = { name: 'l', door: 'ext-authz', profile: 'envoy', trust: 'none' } as const
  const read = readCheckRequest(checkRequest(one, corpus.place, form), listener, undefined)
  return read.ok ? read.request : undefined
}

function verdictOf(one: LoadedCase): { readonly reason: string | undefined; readonly call: Call | undefined } {
  const server = corpus.snapshot.servers.byName(serverOf(one))
  if (server === undefined) throw new Error(`there is no Server ${serverOf(one)} in test/hostile/policies`)
  const request = inboundOf(one)
  // The door refuses what contradicts itself.
  if (request === undefined) return { reason: 'message.encoding', call: undefined }
  const framing = checkFraming(request)
  if (framing !== undefined) return { reason: framing.reason, call: undefined }
  if (request.method === 'OPTIONS') return { reason: undefined, call: undefined }
  const read = readCalls(request, server, server.batches === 'legacy')
  if (!read.ok) return { reason: read.reason, call: undefined }
  if ('batch' in read) return { reason: undefined, call: undefined }
  return { reason: reasonOfTool(read.call, server, request), call: read.call }
}

/** What of a call's form only the description of its tool tells. */
function reasonOfTool(call: Call, server: Server, request: InboundRequest): string | undefined {
  const { target } = call
  if (call.method !== 'tools/call' || target.kind !== 'tool') return undefined
  const meta = server.metaTools.get(target.name)
  const inner = meta && readInnerCall(call, meta)
  if (inner?.ok === false) return inner.reason
  const declared = server.catalog?.tools.get(target.name)?.inputSchema?.headers ?? []
  const wrong = call.era === 'modern' && parameterMismatch(declared, call.arguments, request.headers) !== undefined
  return wrong ? 'message.header_mismatch' : undefined
}

/** Numbers as JavaScript has them, so that a bigint and a number of the corpus compare. */
function plain(value: JsonValue | undefined): unknown {
  if (typeof value === 'bigint' || value === 0) return Number(value) + 0
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]))
  return Array.isArray(value) ? value.map(plain) : value
}

const cases = loadCorpus().filter(one => one.request !== undefined)

describe.each([...new Set(cases.map(one => one.file))])('%s', file => {
  it.each(cases.filter(one => one.file === file).map(one => [one.name, one] as const))('%s', (_name, one) => {
    const { reason, call } = verdictOf(one)
    // In Audit what is wrong is told and passed on.
    if (serverOf(one) === 'audited') return
    if ('deny' in one.expect) {
      const [stage = ''] = one.expect.deny.split('.')
      const judged = parsed.has(stage) && !byPolicy.has(one.expect.deny)
      expect(reason).toBe(judged ? one.expect.deny : undefined)
    } else {
      expect(reason).toBeUndefined()
      const read = 'allow' in one.expect ? one.expect.read : undefined
      if (read === undefined) return
      expect(call?.method).toBe(read.method)
      if (read.name !== undefined) expect(call?.target).toMatchObject({ name: read.name })
      if (read.arguments !== undefined) expect(plain(call?.arguments)).toEqual(read.arguments)
    }
  })
})
