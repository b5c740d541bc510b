import { expect, it } from 'vitest'
import { measureGrpcExchanges, printGrpcExchanges } from './grpc-exchanges.js'

it('a call and its answer are measured over gRPC', { timeout: 60_000 }, async () => {
  const cost = await measureGrpcExchanges({ code: 'src', pinned: false, rounds: 1, exchanges: 40 })
  expect(cost.check).toBeGreaterThan(0)
  expect(cost.answer).toBeGreaterThan(cost.check)
  expect(printGrpcExchanges({ check: 100, answer: 210, ratio: 2.1 })).toContain('100 µs and 210 µs: 2.10 times as much')
})
