import { describe, expect, it } from 'vitest'
import { configJsonSchema } from './config-json-schema.js'

describe('configJsonSchema', () => {
  const schema = configJsonSchema()

  it('is closed, and needs only what a user must write', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
      required: ['apiVersion', 'kind'],
    })
  })

  it('says defaults and meanings', () => {
    const text = JSON.stringify(schema)
    expect(text).toContain('"default":"0.0.0.0"')
    expect(text).toContain('Address to listen on.')
    expect(text).not.toContain('"required":["host"')
  })
})
