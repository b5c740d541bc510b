import { expect, it } from 'vitest'
import { describeFailure } from './describe-failure.js'

it.each([
  ['an error', new Error('no'), 'Error: no'],
  [
    'its causes',
    new TypeError('fetch failed', { cause: new Error('other side closed') }),
    'TypeError: fetch failed; because of Error: other side closed',
  ],
  [
    'one that has only a code',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED AggregateError',
  ],
  ['anything else', 'text', 'text'],
])('%s', (_name, error, expected) => expect(describeFailure(error)).toBe(expected))

it('ends, also where a cause is its own', () => {
  const error = new Error('circle')
  error.cause = error
  expect(describeFailure(error).match(/circle/g)).toHaveLength(5)
})
