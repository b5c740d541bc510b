import fc from 'fast-check'
import { expect, it } from 'vitest'
import { agentgateway } from '../../../gen/wire.js'
import { inboundRequest } from '../../protocol/inbound-request.fixture.js'
import { readCall } from '../../protocol/mcp/classify.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import { createRequestHandler } from './request-handler.js'
import { createResponseHandler } from './response-handler.js'
import { syntheticMessage } from './synthetic-message.js'

const { McpRequestResult, McpResponseResult } = agentgateway.dev.ext_mcp
const context = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const listener = { name: 'l', door: 'ext-mcp', profile: 'agentgateway', trust: 'none' } as const

it('answers any bytes with an error, and with nothing else', async () => {
  const request = createRequestHandler({
    decide: () => {
      throw new Error('a bug')
    },
    listener,
    onError: () => undefined,
  })
  const response = createResponseHandler({
    reviewResult: () => {
      throw new Error('a bug')
    },
    listener,
    onError: () => undefined,
  })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async bytes => {
      const one = McpRequestResult.decode(await request(Buffer.from(bytes), context))
      expect([one.pass, one.mutated?.length ?? 0, one.error !== null]).toEqual([null, 0, true])
      const other = McpResponseResult.decode(await response(Buffer.from(bytes), context))
      expect([other.pass, other.mutated?.length ?? 0, other.error !== null]).toEqual([null, 0, true])
    }),
    { numRuns: 500 },
  )
})

/** Params that try to be more than params. */
const pieces = fc.constantFrom(
  ...[
    '{',
    '}',
    '{}',
    ',',
    ':',
    '"method"',
    '"ping"',
    '"params"',
    '"id"',
    '1',
    '"jsonrpc"',
    '"2.0"',
    '"name"',
    '"echo"',
  ],
  ...['"result"', '"_meta"', '"arguments"', '[', ']', ' ', '\n', 'null', '"a', '\\'],
)

it('never lets params become another message than the one that was asked about', () => {
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 16 }),
      fc.constantFrom(undefined, '2026-07-28', '2025-06-18', 'x"y'),
      fc.constantFrom(undefined, 'vb'),
      (parts, version, prefix) => {
        const headers = RequestHeaders.from(version === undefined ? [] : [['mcp-protocol-version', version]])
        const payload = Buffer.from(parts.join(''))
        const asked = { method: 'tools/call', services: ['vb'], metadata: new Map(), headers: [], payload }
        const { bytes, mirrors } = syntheticMessage(asked, headers, prefix)
        const all = [...(version === undefined ? [] : [['mcp-protocol-version', version] as const]), ...mirrors]
        const request = inboundRequest({ headers: all, body: { state: 'complete', bytes } })
        const read = readCall(request, { protocol: 'mcp', methods: new Set() })
        if (read.ok) expect([read.call.method, read.call.id, read.call.kind]).toEqual(['tools/call', '0', 'request'])
      },
    ),
    { numRuns: 5000 },
  )
})
