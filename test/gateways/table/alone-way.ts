import { createExchangeReview } from '../../../src/decision/review-exchange.js'
import { JudgeProcessor } from '../../../src/doors/ext-proc/judge-processor.js'
import { createProcessHandler } from '../../../src/doors/ext-proc/process-handler.js'
import type { BidiStreamHandler } from '../../../src/doors/grpc/grpc-transport.js'
import type { ListenerTrust } from '../../../src/protocol/inbound-request.js'
import { ExtProcExchange, extProcAlone } from '../ext-proc.js'
import type { Trait } from './case.js'
import { requestOf, serverOf } from './request-of.js'
import type { TableStand } from './stand.js'
import { refusedByGateway, verdictOf, type Way } from './way.js'
import { grouped, listener } from './ways.js'

export const ownNamespace = 'mcp-authz'

export function judgeHandler(
  { snapshot, decide, sessions }: TableStand,
  binds: boolean,
  trust: ListenerTrust = 'none',
): BidiStreamHandler {
  const review = createExchangeReview({ snapshot: () => snapshot, ...(binds && { sessions }) })
  const onError = (detail: string, error?: unknown) => {
    if (error !== undefined) throw new Error(detail, { cause: error })
  }
  return createProcessHandler({
    createProcessor: () => new JudgeProcessor({ review, decide, decideWithinMs: 850, onError }),
    listener: listener('ext-proc', 'envoy', trust),
    onError,
  })
}

/** ext_proc without ext_authz: it decides, and the request waits for it. */
export function aloneWay(stand: TableStand): Way {
  const handler = judgeHandler(stand, false)
  return {
    name: 'ext_proc alone',
    traits: new Set<Trait>(['ext_proc alone']),
    async ask(one) {
      const { request } = await requestOf(one, stand)
      // 413 by Envoy: the body must fit into its buffer.
      if (request.body !== undefined && one.max !== undefined && request.body.length > one.max) return refusedByGateway
      const exchange = new ExtProcExchange(handler, extProcAlone(serverOf(one)))
      try {
        const passed = await exchange.request(request)
        const told = exchange.told[ownNamespace]
        const metadata = typeof told === 'object' && told !== null ? { ...told } : {}
        if (passed.to === 'next') return verdictOf(metadata, grouped(passed.request.headers))
        return verdictOf(metadata, undefined, { ...passed.answer, body: passed.answer.body.toString() })
      } finally {
        exchange.close()
      }
    },
  }
}
