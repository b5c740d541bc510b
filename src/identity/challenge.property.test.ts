import fc from 'fast-check'
import { expect, it } from 'vitest'
import { challenge } from './challenge.js'

/** A challenge taken apart by the grammar of RFC 9110, section 11.6.1; undefined if it is none. */
function read(value: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>()
  const parameter = /^([a-z_]+)="((?:[^"\\]|\\.)*)"(?:, |$)/
  let rest = value.startsWith('Bearer ') ? value.slice('Bearer '.length) : ''
  while (rest !== '') {
    const [whole, name = '', quoted = ''] = parameter.exec(rest) ?? []
    if (whole === undefined || parameters.has(name)) return undefined
    parameters.set(name, quoted.replaceAll(/\\(.)/g, '$1'))
    rest = rest.slice(whole.length)
  }
  return parameters
}

const text = fc.string({
  unit: fc.constantFrom('a', ' ', '"', '\\', ',', '=', '\n', '\r', 'é', '\u0000', '\ud800', 'b'),
})

it('says what it was told, whatever that holds, and nothing more', () => {
  const scope = fc.array(fc.oneof(text, fc.stringMatching(/^[a-z:]{1,8}$/)), { maxLength: 4 })
  fc.assert(
    fc.property(text, text, scope, text, (realm, description, scopes, resourceMetadata) => {
      const value = challenge({ realm, error: 'invalid_token', description, scope: scopes, resourceMetadata })
      expect(value).toMatch(/^Bearer [\x20-\x7e]*$/)
      const parameters = read(value)
      const ascii = (one: string) => one.replaceAll(/[^\x20-\x7e]/g, '')
      expect(parameters?.get('realm')).toBe(ascii(realm))
      expect(parameters?.get('error')).toBe('invalid_token')
      expect(parameters?.get('error_description')).toBe(ascii(description).replaceAll('"', "'").replaceAll('\\', ''))
      expect(parameters?.get('resource_metadata')).toBe(ascii(resourceMetadata))
      const kept = scopes.filter(one => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))
      expect(parameters?.get('scope')).toBe(kept.length === 0 ? undefined : kept.join(' '))
    }),
    { numRuns: 1000 },
  )
})
