import { describe, expect, it } from 'vitest'
import { discoveryUrlOf } from './issuer-url.js'

describe('discoveryUrlOf', () => {
  it.each([
    ['https://idp.example.com', 'https://idp.example.com/.well-known/openid-configuration'],
    ['https://idp.example.com/', 'https://idp.example.com/.well-known/openid-configuration'],
    ['https://idp.example.com/realms/x', 'https://idp.example.com/realms/x/.well-known/openid-configuration'],
  ])('%s', (url, expected) => {
    expect(discoveryUrlOf(url)).toBe(expected)
  })
})
