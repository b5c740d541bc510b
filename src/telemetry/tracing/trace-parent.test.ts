import { describe, expect, it } from 'vitest'
import { parseTraceParent } from './trace-parent.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const good = `00-${traceId}-${spanId}-01`

describe('parseTraceParent', () => {
  it.each([
    ['sampled', good, true],
    ['not sampled', `00-${traceId}-${spanId}-00`, false],
    ['sampled and a flag that we do not know', `00-${traceId}-${spanId}-ff`, true],
    ['a flag that we do not know', `00-${traceId}-${spanId}-02`, false],
    ['a later version', `01${good.slice(2)}`, true],
    ['a later version with more', `01${good.slice(2)}-extra`, true],
  ])('reads one that is %s', (_name, value, sampled) => {
    expect(parseTraceParent(value)).toEqual({ traceId, spanId, sampled })
  })

  it.each([
    ['version 00 with more', `${good}-extra`],
    ['version 00 with a line end', `${good}\n`],
    ['version ff', `ff${good.slice(2)}`],
    ['upper case', good.toUpperCase()],
    ['a zero trace id', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a zero span id', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['a short one', good.slice(1)],
    ['two joined', `${good},${good}`],
    ['a later version without a dash', `01${good.slice(2)}x`],
    ['nothing', ''],
    ['an endless one', `01${good.slice(2)}-${'a'.repeat(300)}`],
  ])('refuses %s', (_name, value) => expect(parseTraceParent(value)).toBeUndefined())
})
