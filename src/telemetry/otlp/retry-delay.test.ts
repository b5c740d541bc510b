import { describe, expect, it } from 'vitest'
import { ExportTimeout } from './export-queue.js'
import { OtlpFailure } from './otlp-client.js'
import { retryDelay } from './retry-delay.js'

describe('the delay before something is sent again', () => {
  it.each<[string, unknown, number, number | undefined]>([
    ['a first failure', new OtlpFailure(503, true), 1, 1000],
    ['a second one', new OtlpFailure(503, true), 2, 2000],
    ['many', new OtlpFailure('ECONNREFUSED', true), 8, 30_000],
    ['no answer in time', new ExportTimeout(), 1, 1000],
    ['the last of them', new OtlpFailure(503, true), 9, undefined],
    ['a refusal', new OtlpFailure(400, false), 1, undefined],
    ['a bug of ours', new TypeError('x'), 1, undefined],
    ['a collector that asks for more', new OtlpFailure(429, true, 5000), 1, 5000],
    ['a collector that asks for less', new OtlpFailure(429, true, 10), 1, 1000],
    ['a collector that asks for very much', new OtlpFailure(429, true, 86_400_000), 1, 60_000],
  ])('of %s', (_name, error, failures, ms) => {
    expect(retryDelay(error, failures, { attempts: 9, random: () => 1 })).toBe(ms)
  })

  it('is drawn from the upper half', () => {
    const drawn = (random: number) => retryDelay(new ExportTimeout(), 1, { attempts: 2, random: () => random })
    expect([drawn(0), drawn(0.5), drawn(1)]).toEqual([500, 750, 1000])
  })
})
