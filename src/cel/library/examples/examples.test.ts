import { describe, expect, it } from 'vitest'
import { parseSignature } from '../../types/parse-signature.js'
import { Failure } from '../../values/value.js'
import { encoders } from '../encoders.js'
import { kubernetesLists, listIncludes } from '../kubernetes-lists.js'
import type { Library } from '../library.js'
import { lists } from '../lists.js'
import { math } from '../math.js'
import { optionals } from '../optionals.js'
import { kubernetesRegex, regex } from '../regex.js'
import { runExpression } from '../run-expression.fixture.js'
import { sets } from '../sets.js'
import { strings } from '../strings.js'
import { encodersExamples } from './encoders.js'
import { listsExamples } from './lists.js'
import { mathExamples } from './math.js'
import { optionalsExamples } from './optionals.js'
import { regexExamples } from './regex.js'
import { stringsExamples } from './strings.js'

const includes: Library = { name: 'includes', functions: [listIncludes] }

describe.each([
  ['strings', [strings], stringsExamples],
  ['lists and sets', [lists, kubernetesLists, includes, sets], listsExamples],
  ['math', [math], mathExamples],
  ['optionals', [optionals], optionalsExamples],
  ['regex', [kubernetesRegex, regex, optionals], regexExamples],
  ['encoders', [encoders], encodersExamples],
] as const)('examples of %s', (_, libraries, table) => {
  const functions = libraries.flatMap(library => library.functions)

  it.each(table)('$example', ({ signature, says, example, result }) => {
    expect(functions.map(overload => overload.signature)).toContain(signature)
    expect(says).toMatch(/\.$/)
    // A macro; it needs the whole engine.
    if (example.includes('.sortBy(')) return
    const value = runExpression(example, libraries)
    if (result === 'error') expect(value).toBeInstanceOf(Failure)
    else expect(value).toEqual(runExpression(result, libraries))
  })

  it('leave no function out', () => {
    const shown = new Set(table.map(({ signature }) => parseSignature('', signature).name))
    const all = functions.map(({ id, signature }) => parseSignature(id, signature).name)
    if (libraries.some(library => library === optionals) && table !== optionalsExamples) return
    expect([...new Set(all)].filter(name => !shown.has(name))).toEqual([])
  })
})
