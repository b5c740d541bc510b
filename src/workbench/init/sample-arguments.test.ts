import { describe, expect, it } from 'vitest'
import { isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { sampleArguments, textArgument } from './sample-arguments.js'

function toolWith(inputSchema: unknown): JsonObject {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify({ name: 'a', inputSchema })))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('not an object')
  return parsed.value
}

describe('sampleArguments', () => {
  it.each<[string, unknown, unknown]>([
    ['one of each type', { type: 'string' }, 'example'],
    ['an integer', { type: 'integer' }, 1],
    ['a number', { type: 'number' }, 1],
    ['a boolean', { type: 'boolean' }, false],
    ['a list', { type: 'array', items: {} }, []],
    ['an object', { type: 'object' }, {}],
    ['the first of several', { type: 'string', enum: ['New York', 'Rome'] }, 'New York'],
    ['a number of several', { enum: [3, 4] }, 3],
    ['nothing for what has no type', {}, undefined],
    ['nothing for several types', { type: ['string', 'null'] }, undefined],
    ['nothing that could steer a terminal', { enum: ['\u001b[2J'] }, undefined],
    ['nothing for what a header mirrors', { type: 'string', 'x-mcp-header': 'Region' }, undefined],
  ])('has %s', (_, property, value) => {
    const found = sampleArguments(toolWith({ properties: { a: property, b: { type: 'string' } }, required: ['a'] }))
    expect(found).toEqual(value === undefined ? {} : { a: value })
  })

  it.each([undefined, null, 'x', { required: 'a' }, { required: ['a'] }, { required: [1], properties: [] }])(
    'has nothing for the schema %j',
    schema => {
      expect(sampleArguments(toolWith(schema))).toEqual({})
    },
  )
})

describe('textArgument', () => {
  it('is the first that takes any text', () => {
    const properties = {
      kind: { type: 'string', enum: ['a'] },
      short: { type: 'string', maxLength: 5 },
      count: { type: 'integer' },
      text: { type: 'string' },
    }
    expect(textArgument(toolWith({ properties }))).toBe('text')
    expect(textArgument(toolWith({ properties: { kind: properties.kind } }))).toBeUndefined()
    expect(textArgument(toolWith(undefined))).toBeUndefined()
  })
})
