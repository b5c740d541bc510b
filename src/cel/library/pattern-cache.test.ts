import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import type { CelProgram } from '../environment.js'

const environment = createCelEnvironment({ text: 'string' })
const compile = (source: string): CelProgram => {
  const compiled = environment.compile(source, 'bool')
  if (!compiled.ok) throw new Error(compiled.error.message)
  return compiled.program
}
/** Of about 2400 instructions, which is some 400 KB. */
const large = (letter: string) => `(a|b|c){1,100}${letter}{1,1000}`
const matches = (letter: string) => `text.matches("^${large(letter)}$")`
const ask = (program: CelProgram, text: string) => program.evaluate(name => (name === 'text' ? text : undefined))

describe('constant regular expressions', () => {
  it('of one expression may be as large together as one alone', () => {
    const source = (letters: string) => [...letters].map(matches).join(' || ')
    expect(ask(compile(source('defg')), 'abcg')).toEqual({ ok: true, value: true })
    expect(environment.compile(source('defgh'), 'bool')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('of this expression repeat too much together'), column: 194 },
    })
    // What is said twice is made once.
    expect(ask(compile(source('dddddddd')), 'abcd')).toEqual({ ok: true, value: true })
  })

  it('are as good, and cost more, when there was no room to keep them', () => {
    const first = compile(matches('d'))
    expect(ask(first, 'abcd')).toEqual({ ok: true, value: true })
    for (let i = 0; i < 200; i++) compile(matches(String.fromCodePoint(0x4e00 + i)))
    expect(ask(first, 'abcd')).toEqual({ ok: true, value: true })
    expect(ask(first, 'abce')).toEqual({ ok: true, value: false })
  })
})
