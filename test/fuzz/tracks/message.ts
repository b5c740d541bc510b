import { inboundRequest, type RequestFixture } from '../../../src/protocol/inbound-request.fixture.js'
import type { CallsResult } from '../../../src/protocol/mcp/classify.js'
import type { FuzzInput, Judged } from '../fuzz-input.js'
import { generateMessages, mutateHeaders } from '../generate-message.js'
import { mutateBytes } from '../mutate-bytes.js'
import { mutateJson } from '../mutate-json.js'
import { judgeByFolding } from '../oracles/folding-oracle.js'
import { judgeJson } from '../oracles/json-oracle.js'
import { createNodeHttpOracle } from '../oracles/node-http-oracle.js'
import { judgeBatchBySdkV1, judgeBySdkV1 } from '../oracles/sdk-v1-oracle.js'
import { createSdkV2Oracle } from '../oracles/sdk-v2-oracle.js'
import type { Random } from '../random.js'
import type { Seeds } from '../seeds.js'
import type { Track } from './track.js'

/** Server settings under which everything that the method table knows is read to its end. */
const readOptions = { protocol: 'mcp', methods: new Set(['tasks/*', 'vendor/x', 'resources/directory/*']) } as const

/** Oracles that need no server. */
const local = ['json', 'sdk-v1', 'folding'] as const

/** POSTs with headers: framing, then the message. What passes goes to the servers of the SDKs. */
export function createMessageTrack(seeds: Seeds): Track {
  const sdkV2 = createSdkV2Oracle()
  const nodeHttp = createNodeHttpOracle()
  return {
    name: 'message',
    weight: 8,
    generate: random => {
      const base = random.chance(0.6) ? generateMessages(random) : random.pick(seeds.messages)
      return { ...base, headers: someHeaders(base, random), bytes: someBytes(base.bytes, random) }
    },
    judge: async ({ headers, bytes }, subject): Promise<Judged> => {
      const fixture: RequestFixture = { headers, body: { state: 'complete', bytes } }
      const request = inboundRequest(fixture)
      const read = subject.parseStrictJson(bytes)
      const framing = subject.checkFraming(request)
      const called = framing === undefined ? subject.readCalls(request, readOptions, true) : undefined
      const outcome = framing?.reason ?? outcomeOf(called)
      const judged = (asked: readonly string[], oracle: string, detail: string | undefined): Judged => ({
        outcome,
        asked,
        disagreement: detail === undefined ? undefined : { oracle, detail },
      })
      const json = judgeJson(bytes, read)
      if (json !== undefined || called?.ok !== true) return judged(['json'], 'json', json)
      if (!read.ok) return judged(['json'], 'json', 'a message was read from what is refused as JSON')
      const calls = 'batch' in called ? called.batch : [called.call]
      const v1 = 'batch' in called ? judgeBatchBySdkV1(bytes, called.batch) : judgeBySdkV1(bytes, called.call)
      if (v1 !== undefined) return judged(['json', 'sdk-v1'], 'sdk-v1', v1)
      const folded = judgeByFolding(bytes, calls)
      if (folded !== undefined) return judged(local, 'folding', folded)
      const v2 = await sdkV2.judge(headers, bytes, calls)
      if (v2 !== undefined) return judged([...local, 'sdk-v2'], 'sdk-v2', v2)
      return judged([...local, 'sdk-v2', 'node-http'], 'node-http', await nodeHttp.judge(headers, bytes))
    },
    close: () => sdkV2.close(),
  }
}

function outcomeOf(called: CallsResult | undefined): string {
  if (called === undefined) return ''
  if (!called.ok) return called.reason
  return 'batch' in called ? 'batch' : called.call.kind
}

function someHeaders({ headers }: FuzzInput, random: Random) {
  let changed = headers
  if (random.chance(0.3)) for (let i = 1 + random.few(2); i > 0; i--) changed = mutateHeaders(changed, random)
  return changed
}

export function someBytes(base: Uint8Array, random: Random): Uint8Array {
  let bytes = base
  if (random.chance(0.75)) bytes = mutateJson(Buffer.from(bytes).toString('utf8'), random, random.few(4)) ?? bytes
  if (random.chance(0.25)) for (let i = 1 + random.few(3); i > 0; i--) bytes = mutateBytes(bytes, random)
  return bytes
}
