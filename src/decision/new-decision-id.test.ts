import { expect, it } from 'vitest'
import { newDecisionId } from './new-decision-id.js'

const many = Array.from({ length: 5_000 }, newDecisionId)

it('makes UUIDs of version 4', () => {
  const wrong = many.filter(id => !/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))
  expect(wrong).toEqual([])
})

it('makes none of them twice, also when the random bytes had to be fetched again', () => {
  expect(new Set(many).size).toBe(many.length)
})

it('has every digit at every random place', () => {
  const places = [...Array(36).keys()].filter(at => ![8, 13, 14, 18, 19, 23].includes(at))
  for (const at of places) expect(new Set(many.map(id => id[at])).size).toBe(16)
})
