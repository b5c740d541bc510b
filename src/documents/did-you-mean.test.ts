import { expect, it } from 'vitest'
import { Suggestions } from './did-you-mean.js'

it('suggests what was meant, until that would be too much work for one set of documents', () => {
  const suggestions = new Suggestions()
  const tools = new Set(Array.from({ length: 30_000 }, (_, at) => `tool-${at}`))
  expect(suggestions.of('tol-17', tools)).toBe('tool-17')
  expect(suggestions.of('tol-17', tools)).toBeUndefined()
  expect(suggestions.of('pods_lst', new Set(['pods_list', 'pods_get']))).toBe('pods_list')
})
