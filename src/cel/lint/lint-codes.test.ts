import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { facts, variables } from './lint.fixture.js'
import { lintCodes } from './lint-codes.js'

const environment = createCelEnvironment(variables)

describe('lintCodes', () => {
  it.each(Object.entries(lintCodes))('%s has examples that do and do not have it', (code, { bad, good }) => {
    for (const source of [bad, good]) expect(environment.compile(source, 'bool')).toMatchObject({ ok: true })
    expect(environment.lint(bad, 'bool', facts).map(issue => issue.code)).toEqual([code])
    expect(environment.lint(good, 'bool', facts)).toEqual([])
  })
})
