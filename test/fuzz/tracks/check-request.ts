import type protobuf from 'protobufjs'
import { envoy } from '../../../gen/wire.js'
import { createDecide } from '../../../src/decision/create-decide.js'
import type { Decide } from '../../../src/decision/decision.js'
import { createCheckHandler } from '../../../src/doors/ext-authz/check-handler.js'
import type { InboundRequest } from '../../../src/protocol/inbound-request.js'
import { catalogs, demo, namesAsTokens, storeOf } from '../../support/policies.js'
import { ourDefinitions } from '../../wire/definitions.js'
import type { FuzzInput } from '../fuzz-input.js'
import { generateMessage } from '../generate-message.js'
import { mutateBytes } from '../mutate-bytes.js'
import type { Random } from '../random.js'
import type { Subject } from '../subject.js'
import type { Track } from './track.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const caller = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const listener: InboundRequest['listener'] = { name: 'fuzz', door: 'ext-authz', profile: 'envoy', trust: 'none' }

/**
 * What the gateway sends, damaged, to the whole service, under policies by which nobody is known: whatever it becomes,
 * the answer is a denial, and nothing throws. Only a CORS preflight passes, which has no identity.
 */
export function createCheckRequestTrack(): Track {
  const store = storeOf([catalogs, demo], namesAsTokens({}))
  if (!store.load().inForce) throw new Error('the policies of the demo are broken')
  let bugs = 0
  const decide = createDecide({
    snapshot: () => store.current,
    onBug: () => {
      bugs++
    },
  })
  const definition = ourDefinitions().lookupType('envoy.service.auth.v3.CheckRequest')
  return {
    name: 'check-request',
    weight: 3,
    generate: random => {
      let bytes: Uint8Array = checkRequest(random)
      for (let i = random.few(8); i > 0; i--) bytes = mutateBytes(bytes, random)
      return { track: 'check-request', headers: [], bytes }
    },
    judge: async ({ bytes }, subject) => {
      const asked = ['check-request']
      const before = bugs
      const answer = await answerTo(bytes, subject, { decide, bug: () => bugs > before, definition })
      const disagreement = answer.detail === undefined ? undefined : { oracle: 'check-request', detail: answer.detail }
      return { outcome: answer.outcome, asked, disagreement }
    },
  }
}

interface Service {
  readonly decide: Decide
  /** True once a part of ours threw. */
  readonly bug: () => boolean
  readonly definition: protobuf.Type
}

async function answerTo(bytes: Uint8Array, subject: Subject, { decide, bug, definition }: Service) {
  const read = subject.readCheckRequest(bytes, listener, undefined)
  let reason: string | undefined
  const handler = createCheckHandler({
    decide: request => {
      const decision = decide(request)
      if (!(decision instanceof Promise)) reason = decision.failure?.reason ?? decision.outcome
      return decision
    },
    listener,
    onError: () => undefined,
  })
  const written = await handler(Buffer.from(bytes), caller)
  const { status, deniedResponse, okResponse } = CheckResponse.decode(written)
  const outcome = reason ?? 'unread'
  const answer = (detail: string | undefined) => ({ outcome, detail })
  if (bug()) return answer('a part of ours threw')
  const isPreflight = read.ok && read.request.method === 'OPTIONS'
  if (okResponse && !isPreflight) return answer('allowed although nobody is known')
  if (!okResponse && (!deniedResponse || !status?.code)) return answer('neither an allow nor a denial')
  if (read.ok !== (reason !== undefined)) return answer('asked for what it could not read')
  return answer(read.ok ? judgeReading(read.request, definition.decode(bytes)) : undefined)
}

/** The same bytes once more, by the definitions themselves and not by code that was made of them. */
function judgeReading(read: InboundRequest, message: protobuf.Message): string | undefined {
  const theirs = CheckRequest.fromObject(message.toJSON())
  const http = theirs.attributes?.request?.http
  if (!http) return 'read a request that is not there'
  const target = read.query === undefined ? read.path : `${read.path}?${read.query}`
  if (target !== http.path || read.method !== http.method || read.authority !== http.host) return 'read another target'
  if (read.body.state !== 'complete') return undefined
  const body = http.rawBody?.length ? http.rawBody : Buffer.from(http.body ?? '', 'utf8')
  return Buffer.compare(read.body.bytes, body) === 0 ? undefined : 'read another body'
}

function checkRequest(random: Random): Uint8Array {
  const { headers, bytes }: FuzzInput = generateMessage(random)
  const method = random.chance(0.9) ? 'POST' : random.pick(['GET', 'DELETE', 'OPTIONS', 'post', ''])
  const all: (readonly [string, string])[] = [
    [':method', method],
    [':path', '/mcp'],
    ['content-length', String(bytes.length)],
    ['x-envoy-auth-partial-body', 'false'],
    ['authorization', 'Bearer nobody'],
    ...headers,
  ]
  const raw = random.chance(0.5)
  const number = { numberValue: random.int(2) === 0 ? 1 : Number.NaN }
  return CheckRequest.encode({
    attributes: {
      source: { address: { socketAddress: { address: '203.0.113.9', portValue: 40_112 } } },
      request: {
        http: {
          ...{ method, path: '/mcp', host: 'mcp.example.com', scheme: 'https', size: bytes.length },
          ...(random.chance(0.9) ? { rawBody: bytes } : { body: Buffer.from(bytes).toString('utf8') }),
          ...(raw
            ? { headerMap: { headers: all.map(([key, value]) => ({ key, rawValue: Buffer.from(value) })) } }
            : { headers: Object.fromEntries(all) }),
        },
      },
      contextExtensions: random.chance(0.5) ? { 'mcp-server': 'kubernetes' } : {},
      ...(random.chance(0.3) && {
        metadataContext: { filterMetadata: { 'envoy.filters.http.jwt_authn': { fields: { claims: number } } } },
      }),
    },
  }).finish()
}
