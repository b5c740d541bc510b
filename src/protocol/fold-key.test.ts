import { expect, it } from 'vitest'
import { FoldedKeys } from './fold-key.js'

const keys = new FoldedKeys(['params', 'taskId', '_meta'])

it.each(['Params', 'PARAMS', 'param\u017f', 'tas\u212aId', 'taskid', '_META'])(
  '%s could be read as a protocol key',
  key => {
    expect(keys.mistakable(key)).toBe(true)
  },
)
it.each(['params', 'taskId', '_meta', 'param', 'params ', 'constructor', ''])('%j is itself', key => {
  expect(keys.mistakable(key)).toBe(false)
})
