import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toLoggedError } from './log-error.js'

describe('toLoggedError', () => {
  it('keeps type and place, not the message', () => {
    const logged = toLoggedError(new TypeError('token eyJsecret is bad'))
    expect(logged.type).toBe('TypeError')
    expect(logged.at[0]).toContain('log-error.test')
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('is not fooled by a message that looks like frames', () => {
    const logged = toLoggedError(new Error('x\n    at secret (eyJ)\n    at eyJ'))
    expect(JSON.stringify(logged)).not.toContain('eyJ')
    expect(logged.at.length).toBeGreaterThan(0)
  })

  it('keeps the code of a system error', () => {
    try {
      readFileSync('/nowhere')
    } catch (error) {
      expect(toLoggedError(error)).toMatchObject({ type: 'Error', code: 'ENOENT' })
    }
  })

  it('does not keep a code that is no constant', () => {
    expect(toLoggedError(Object.assign(new Error('x'), { code: 'eyJ.secret' })).code).toBeUndefined()
  })

  it.each([
    ['text', 'string'],
    [undefined, 'undefined'],
    [{ token: 'x' }, 'object'],
  ])('%j is only a type', (value, type) => {
    expect(toLoggedError(value)).toEqual({ type, code: undefined, at: [] })
  })
})
