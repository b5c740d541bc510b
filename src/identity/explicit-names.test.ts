import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closing, isExplicitPrefix, markedExpression, opening } from './explicit-names.js'
import { authenticationYaml, claimsOf, configurationOf, issuerUrl } from './identity.fixture.js'
import { mapUser } from './map-user.js'

describe('markedExpression', () => {
  it.each([
    ['"system:masters"', `"${opening}system:masters${closing}"`],
    ['"system:node:" + claims.x', `"${opening}system:node:" + claims.x`],
    ["r'system:a'", `r'${opening}system:a${closing}'`],
    [
      'claims.a == "system:b" ? "system:c" : claims.d',
      `claims.a == "system:b" ? "${opening}system:c${closing}" : claims.d`,
    ],
    ['["a", "system:b"]', `["a", "${opening}system:b${closing}"]`],
    [
      'claims.l.map(g, g != "system:x", "system:p:" + g)',
      `claims.l.map(g, g != "system:x", "${opening}system:p:" + g)`,
    ],
    ['"system:"', undefined],
    ['"system:" + claims.x', undefined],
    ['"sys" + "tem:masters"', undefined],
    ['claims.x', undefined],
    ['"system\\u003amasters"', undefined],
    ['claims.x.startsWith("system:masters")', undefined],
    ['["system:a", "system:b"].filter(g, g in claims.groups)', undefined],
    ['not an expression', undefined],
    ['"system:node:%s".format([claims.x])', `"${opening}system:node:%s${closing}".format([claims.x])`],
    ['"system:%s".format([claims.x])', undefined],
    ['"system:%s:admins".format([claims.x])', undefined],
    ['"system:no%s".format([claims.x])', undefined],
  ])('%s', (source, expected) => {
    expect(markedExpression(source)).toBe(expected)
  })
})

describe('isExplicitPrefix', () => {
  it.each([
    ['system:node:', true],
    ['system:', false],
    ['system:node', false],
    ['', false],
    ['x:system:node:', false],
  ])('%j', (prefix, expected) => {
    expect(isExplicitPrefix(prefix)).toBe(expected)
  })
})

describe('whatever a token says', () => {
  const families: readonly (readonly [expression: string, allowed: (name: string) => boolean])[] = [
    ['[string(claims.a), string(claims.b)]', () => false],
    ['claims.flag ? ["system:masters"] : [string(claims.a), string(claims.b)]', name => name === 'system:masters'],
    ['[string(claims.a) + string(claims.b)] + ["system:x"]', name => name === 'system:x'],
    [
      'claims.l + ["system:x", "system:x:" + string(claims.a)]',
      name => name === 'system:x' || name.startsWith('system:x:'),
    ],
    ['claims.l.map(g, "system:idp:" + string(g))', name => name.startsWith('system:idp:')],
  ]
  const piece = fc.oneof(
    fc.constantFrom(
      '',
      'system',
      'system:',
      ':',
      'masters',
      'system:masters',
      'system:x',
      'system:x:',
      'sys',
      'tem:',
      opening,
      closing,
      'idp:',
    ),
    fc.string({ maxLength: 5 }),
  )
  const text = fc.array(piece, { maxLength: 4 }).map(pieces => pieces.join(''))

  it.each(families)('%s gives names of the system only as written', (expression, allowed) => {
    const mappings = `username: { claim: sub, prefix: "" }, groups: { expression: '${expression}' }`
    const issuer = configurationOf(
      authenticationYaml(`- issuer: { url: "${issuerUrl}", audiences: [a] }\n  claimMappings: { ${mappings} }`),
    ).issuers.get(issuerUrl)
    if (issuer === undefined) throw new Error('no issuer')
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 3 }), fc.boolean(), (a, b, l, flag) => {
        const mapped = mapUser(claimsOf({ sub: 'alice', a, b, l, flag }), issuer.configuration)
        if (!mapped.ok) return
        const names = mapped.user.groups.filter(name => name.startsWith('system:'))
        expect(names.filter(name => !allowed(name))).toEqual(['system:authenticated'])
        // Nothing of the token alone may look like what is written, where it is not the writing that gives it.
        if (!flag && expression.startsWith('claims.flag')) expect(names).toEqual(['system:authenticated'])
        if (expression.startsWith('claims.l +') && l.some(name => name.startsWith('system:'))) expect.unreachable()
      }),
      { numRuns: 500 },
    )
  })
})
