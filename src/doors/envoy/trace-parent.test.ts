import { describe, expect, it } from 'vitest'
import { askingSpan, isTraceParent } from './trace-parent.js'

const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('isTraceParent', () => {
  const cases: [string, string, boolean][] = [
    ['valid', good, true],
    ['later version', `01${good.slice(2)}`, true],
    ['later version with more', `01${good.slice(2)}-extra`, true],
    ['version 00 with more', `${good}-extra`, false],
    ['version ff', `ff${good.slice(2)}`, false],
    ['upper case', good.toUpperCase(), false],
    ['zero trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
    ['zero parent id', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, false],
    ['short', good.slice(1), false],
    ['joined repeats', `${good},${good}`, false],
    ['later version, no dash', `01${good.slice(2)}x`, false],
    ['wrong separator', good.replaceAll('-', '_'), false],
    ['empty', '', false],
    ['endless', `01${good.slice(2)}-${'a'.repeat(300)}`, false],
  ]
  it.each(cases)('%s', (_name, value, expected) => expect(isTraceParent(value)).toBe(expected))
})

describe('askingSpan', () => {
  const other = `00-4bf92f3577b34da6a3ce929d0e0e4736-${good.slice(36)}`
  const cases: [string, string | undefined, string | undefined, string | undefined][] = [
    ["takes the gateway's", good, other, good],
    ["makes do with the client's", undefined, other, other],
    ["passes over a broken one of the gateway's", 'x', other, other],
    ["passes over a broken one of the client's", undefined, `${other},${other}`, undefined],
    ['finds none', undefined, undefined, undefined],
  ]
  it.each(cases)('%s', (_name, own, sent, expected) => expect(askingSpan(own, sent)).toBe(expected))
})
