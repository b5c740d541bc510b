import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matchWellKnown } from './well-known.js'

const document = fc.constantFrom('oauth-protected-resource', 'oauth-authorization-server', 'openid-configuration')

it('takes the path apart so that it can be put together again', () => {
  fc.assert(
    fc.property(document, fc.string({ maxLength: 20 }), (name, rest) => {
      const found = matchWellKnown(`/.well-known/${name}${rest}`)
      const isPath = rest === '' || rest.startsWith('/')
      expect(found).toEqual(isPath ? { document: name, resourcePath: rest } : undefined)
    }),
  )
})

it('takes nothing else for one', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 10 }), document, (start, name) => {
      fc.pre(start !== '/.well-known/')
      expect(matchWellKnown(`${start}${name}`)).toBeUndefined()
      expect(matchWellKnown(`/.well-known/${name.toUpperCase()}`)).toBeUndefined()
    }),
  )
})
