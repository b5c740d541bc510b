import { describe, expect, it } from 'vitest'
import { kubernetesClaimsActivation, kubernetesClaimsEnvironment } from './expressions.js'
import { claimsOf } from './identity.fixture.js'
import { unescapeName } from './unescaped-claims.js'

describe('unescapeName', () => {
  it.each([
    ['foo__dot__bar', 'foo.bar'],
    ['kubernetes__dot__io__slash__x', 'kubernetes.io/x'],
    ['a__dash__b', 'a-b'],
    ['a__underscores__b', 'a__b'],
    ['__in__', 'in'],
    ['__namespace__', 'namespace'],
    ['foo', undefined],
    ['foo__bar', undefined],
    ['__foo__', undefined],
    ['a__in__', undefined],
    ['a__dot__b__x__', undefined],
    ['____', undefined],
    ['_dot_', undefined],
  ])('%s', (name, expected) => {
    expect(unescapeName(name)).toBe(expected)
  })
})

describe('an expression of an AuthenticationConfiguration', () => {
  const claims = claimsOf({
    'foo.bar': 'dotted',
    foo__dot__bar: 'spelled like the escape',
    'kubernetes.io': { 'service-account': { name: 'agent' }, list: [{ 'a/b': 1 }] },
    __x: 'underscores',
    plain: 'p',
  })

  it.each<[string, unknown]>([
    ['claims.foo__dot__bar', 'dotted'],
    ['claims["foo.bar"]', 'dotted'],
    ['claims["foo__dot__bar"]', 'dotted'],
    ['claims.?foo__dot__bar.orValue("")', 'dotted'],
    ['has(claims.foo__dot__bar)', true],
    ['has(claims.foo__dot__baz)', false],
    ['claims.kubernetes__dot__io.service__dash__account.name', 'agent'],
    ['claims.kubernetes__dot__io.list[0].a__slash__b', 1n],
    ['claims.kubernetes__dot__io.list.exists(e, e.a__slash__b == 1)', true],
    ['claims.__underscores__x', 'underscores'],
    ['claims.plain', 'p'],
    ['claims.size()', 5n],
    ['claims.exists(k, k == "foo__dot__bar")', true],
  ])('%s', (source, value) => {
    const compiled = kubernetesClaimsEnvironment.compile(source)
    if (!compiled.ok) throw new Error(compiled.error.message)
    expect(compiled.program.evaluate(kubernetesClaimsActivation(claims, compiled.program))).toEqual({ ok: true, value })
  })
})
