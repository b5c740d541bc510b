import { expect, it } from 'vitest'
import { configSpec } from '../src/config/config-document.js'
import { configFields } from '../src/policy/gather-documents.js'

it('policies tell a Config from a policy with a mistaken kind by the fields that it has now', () => {
  expect([...configFields].sort()).toEqual(Object.keys(configSpec.shape).sort())
})
