import { expect, it } from 'vitest'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { textsOf } from './tool-texts.js'

const tool = () => ({}) as CatalogTool

it('are the same for one tool until very many others were called', () => {
  const one = tool()
  const texts = textsOf(one)
  expect(textsOf(one)).toBe(texts)
  expect(textsOf(tool())).not.toBe(texts)
  // A catalogue as large as this must not be kept twice.
  for (let others = 0; others < 5000; others++) textsOf(tool())
  expect(textsOf(one)).not.toBe(texts)
})

it('are shared by calls that no catalogue describes', () => {
  expect(textsOf(undefined)).toBe(textsOf(undefined))
})
