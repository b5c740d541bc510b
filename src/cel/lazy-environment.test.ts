import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import { lazyCelEnvironment } from './lazy-environment.js'

const variables = { claims: 'map', count: 'int' } as const
const options = { set: 'kubernetes/1.36' } as const

describe('an environment that is made when it is first used', () => {
  const lazy = lazyCelEnvironment(variables, options)
  const eager = createCelEnvironment(variables, options)

  it.each([
    ['claims.a == "b" && count > 1', 'bool'],
    ['count', 'bool'],
    ['count +', undefined],
    ['nothing', undefined],
    ['claims.a.split(",")', undefined],
  ] as const)('compiles %j as any other', (source, result) => {
    const [one, other] = [lazy.compile(source, result), eager.compile(source, result)]
    expect(one.ok ? one.program.cost : one).toEqual(other.ok ? other.program.cost : other)
  })

  it('lints and writes as any other, and has the same variables', () => {
    const source = 'count==1||  claims.size()==count'
    expect(lazy.lint(source, 'bool')).toEqual(eager.lint(source, 'bool'))
    expect(lazy.format(source)).toEqual(eager.format(source))
    expect(lazy.format(source, 20)).toEqual(eager.format(source, 20))
    expect(lazy.variables).toEqual(eager.variables)
  })

  it('says what is wrong with it when it is used', () => {
    const wrong = lazyCelEnvironment({ 'not a name': 'int' })
    expect(() => wrong.compile('1')).toThrow('not a name')
    expect(() => wrong.compile('1')).toThrow('not a name')
  })
})
