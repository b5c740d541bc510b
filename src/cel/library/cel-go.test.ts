import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Failure } from '../values/value.js'
import { encoders } from './encoders.js'
import { kubernetesLists } from './kubernetes-lists.js'
import { lists } from './lists.js'
import { math } from './math.js'
import { optionals } from './optionals.js'
import { kubernetesRegex, regex } from './regex.js'
import { runExpression } from './run-expression.fixture.js'
import { sets } from './sets.js'
import { kubernetesStrings, strings } from './strings.js'

const others = [lists, kubernetesLists, sets, math, encoders, kubernetesRegex, regex, optionals]
const versions = { 2: [kubernetesStrings, ...others], 4: [strings, ...others] }

const rows = readFileSync(new URL('testdata/cel-go.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => line.split('\t'))

/** Where we answer with a failure instead, on purpose. */
const refused: readonly (readonly [version: 2 | 4 | 'both', RegExp, why: string])[] = [
  ['both', /^dyn\(\[1, "a"\]\)/, 'there is no order of an int and a string'],
  ['both', /NaN.*\.sort\(\)$/, 'NaN has no place in an order; where cel-go leaves it depends on its algorithm'],
  [4, /ndexOf\(.*, \d+\)$/, 'the specification wants an error beyond the end'],
  [4, /b"a\\xff"/, 'a text must be well-formed'],
]

/** Where cel-go shows an oddity of Go's printer. */
const oddities: readonly RegExp[] = [/^"%\.?\d*[ef]"\.format\(\[1u?\]\)$/, /^"%\.1000f"/]

describe.each([2, 4] as const)('as cel-go, strings version %i', version => {
  const cases = rows.filter(
    ([of, expression = '']) =>
      (of === 'both' || of === String(version)) && !oddities.some(pattern => pattern.test(expression)),
  )
  it.each(cases)('%s %s => %s', (_, expression = '', expected = '') => {
    const result = runExpression(expression, versions[version])
    const mayRefuse = refused.some(([of, pattern]) => (of === 'both' || of === version) && pattern.test(expression))
    if (expected === 'error' || (mayRefuse && result instanceof Failure)) expect(result).toBeInstanceOf(Failure)
    else expect(result).toEqual(runExpression(expected, versions[version]))
  })

  it('refuses more than cel-go in the cases that are meant', () => {
    for (const [of, pattern] of refused.filter(([of]) => of === 'both' || of === version)) {
      const found = rows.filter(([, expression = '']) => pattern.test(expression))
      expect(found.length, `${of} ${pattern}`).toBeGreaterThan(0)
    }
  })
})
