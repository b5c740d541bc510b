import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../values/value.js'
import { patternShape } from './pattern-shape.js'
import { kubernetesRegex, regex } from './regex.js'
import { callOf } from './run-expression.fixture.js'

const atoms = ['a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$', 'a*', 'b+', 'c?', '.{0,2}', '(a)', '(?:b)', '😀']
const loose = [...atoms, '(', ')', '|', '*', '+', '?', '{2}', '[', '\\', '(?i)', '\\pL', '\\Q', '(?P<n>']
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\n', '😀', 'é'), maxLength: 12 })

const findAll = callOf(kubernetesRegex, 'string_find_all_string')

/** As Go leaves them out: empty ones right after another. */
function goMatches(source: string, subject: string): string[] {
  let previousEnd = -1
  const found: string[] = []
  for (const match of subject.matchAll(new RegExp(source, 'gu'))) {
    if (match[0] !== '' || match.index !== previousEnd) found.push(match[0])
    previousEnd = match.index + match[0].length
  }
  return found
}

describe('findAll', () => {
  it('agrees with RegExp where both read the pattern alike', () => {
    const pattern = fc.array(fc.constantFrom(...atoms), { maxLength: 5 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        expect(findAll(subject, source)).toEqual(goMatches(source, subject))
      }),
      { numRuns: 1500 },
    )
  })
})

describe('any pattern', () => {
  it('gives matches or a failure, never an exception', () => {
    const pattern = fc.array(fc.constantFrom(...loose), { maxLength: 10 }).map(parts => parts.join(''))
    const calls = [...kubernetesRegex.functions, ...regex.functions]
    fc.assert(
      fc.property(pattern, text, text, (source, subject, by) => {
        expect(patternShape(source).size).toBeGreaterThanOrEqual(0)
        const found = findAll(subject, source)
        for (const { call } of calls) call([subject, source, by, 2n], { charge: () => true })
        for (const { call } of calls) call([subject, source, 2n], { charge: () => true })
        if (found instanceof Failure || !Array.isArray(found)) return
        const replaced = callOf(regex, 'regex_replace_string_string_string')(subject, source, '\\0')
        expect(replaced).toBe(subject)
      }),
      { numRuns: 1500 },
    )
  })
})
