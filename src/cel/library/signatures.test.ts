import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSignature } from '../types/parse-signature.js'
import { encoders } from './encoders.js'
import { kubernetesLists, listIncludes } from './kubernetes-lists.js'
import type { Library } from './library.js'
import { lists } from './lists.js'
import { math } from './math.js'
import { optionals } from './optionals.js'
import { kubernetesRegex, regex } from './regex.js'
import { sets } from './sets.js'
import { kubernetesStrings, strings } from './strings.js'

const offered = [kubernetesStrings, lists, kubernetesLists, sets, kubernetesRegex, optionals]

const rows = readFileSync(new URL('../testdata/kubernetes-functions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .map(line => line.split('\t'))
  .flatMap(([name = '', id = '', signature]) => (signature === undefined ? [] : [{ name, id, signature }]))

/** By function; `indexOf`, `lastIndexOf`, `first` … are only of these libraries. `reverse` is of lists alone in Kubernetes. */
const names = new Set(
  offered.flatMap(({ functions }) => functions.map(({ id, signature }) => parseSignature(id, signature).name)),
)

describe('the functions of Kubernetes 1.36', () => {
  it('are ours, each with its id and signature, and no others', () => {
    const ours = offered.flatMap(({ functions }) => functions.map(({ id, signature }) => `${id}: ${signature}`))
    const theirs = rows.filter(({ name }) => names.has(name)).map(({ id, signature }) => `${id}: ${signature}`)
    expect(ours.sort()).toEqual(theirs.sort())
  })

  it.each([
    'charAt',
    'format',
    'strings.quote',
    'isSorted',
    'sum',
    'lists.range',
    '@sortByAssociatedKeys',
    'findAll',
    'unwrapOpt',
    'sets.equivalent',
  ])('have %s', name => {
    expect(names.has(name)).toBe(true)
    expect(rows.some(row => row.name === name)).toBe(true)
  })
})

describe.each<[string, Library[]]>([
  ['Kubernetes', offered],
  [
    'all',
    [
      strings,
      lists,
      { name: '', functions: [...kubernetesLists.functions, listIncludes] },
      sets,
      kubernetesRegex,
      regex,
      math,
      encoders,
      optionals,
    ],
  ],
])('the set of %s', (_, libraries) => {
  const functions = libraries.flatMap(library => library.functions)

  it('has each id once', () => {
    expect(new Set(functions.map(({ id }) => id)).size).toBe(functions.length)
  })

  it('has signatures that can be read', () => {
    for (const { id, signature } of functions) expect(() => parseSignature(id, signature)).not.toThrow()
  })

  it('answers a call with too few arguments, and with wrong ones, with a failure or a value, never an exception', () => {
    for (const { call } of functions) {
      for (const args of [[], [null], [null, null], [[null]], [[null], [null]], ['', null], ['', '', null]]) {
        expect(() => call(args, { charge: () => true })).not.toThrow()
      }
    }
  })
})
