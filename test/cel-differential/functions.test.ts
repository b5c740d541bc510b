import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { optionalOperators, standardOperators } from '../../src/cel/types/standard-operators.js'
import { libraries, prepare } from './kubernetes-program.js'
import { readCases, recordingFiles } from './recorded-cases.js'

/** Functions of Kubernetes 1.36: name, id of the overload, signature. */
const rows = readFileSync(new URL('../../src/cel/testdata/kubernetes-functions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .map(line => line.split('\t'))
  .flatMap(([name, id, signature]) =>
    name !== undefined && id !== undefined && signature !== undefined ? [{ name, id, signature }] : [],
  )

const functions = [
  ...standardOperators.functions,
  ...optionalOperators.functions,
  ...libraries.flatMap(library => library.functions),
]
const ours = new Set(functions.map(({ id, signature }) => `${id} ${signature}`))

/** Rows that are no functions of the language: older names, and what macros and syntax turn into in cel-go. */
const notOffered: readonly (readonly [name: string, reason: string])[] = [
  ['_in_', 'an older name of the operator in, which nothing in source can say'],
  ['in', 'the same'],
  ['@not_strictly_false', 'a part of the macros all() and exists(), which are nodes of their own here'],
  ['__not_strictly_false__', 'its older name'],
  ['cel.@mapInsert', 'a part of the macros transformMap() and transformMapEntry()'],
  ['_?._', 'a.?b is a node of its own here'],
]

const isOffered = ({ name }: { readonly name: string }): boolean => !notOffered.some(([known]) => known === name)

/** Nodes of their own or evaluated as such, so that the checker notes no overload for them; see the cases of their syntax. */
const syntax: Readonly<Record<string, RegExp>> = {
  logical_and: / && /,
  logical_or: / \|\| /,
  conditional: / \? .* : /,
}

describe('the functions of Kubernetes 1.36', () => {
  const libraryCases: readonly { readonly expression: string }[] = JSON.parse(
    readFileSync(recordingFiles.libraries, 'utf8'),
  )
  const sources = [...readCases(), ...libraryCases].map(({ expression }) => expression)
  const exercised = new Map<string, number>()
  for (const source of sources) {
    const prepared = prepare(source)
    if (!prepared.ok) continue
    for (const id of new Set(prepared.overloads)) exercised.set(id, (exercised.get(id) ?? 0) + 1)
  }

  it('are all offered with the same id and signature, or are none', () => {
    expect(rows.filter(isOffered).filter(({ id, signature }) => !ours.has(`${id} ${signature}`))).toEqual([])
    expect(rows.length).toBeGreaterThan(300)
  })

  it('are each called by a recorded expression', () => {
    const unused = rows
      .filter(isOffered)
      .filter(({ id }) => !exercised.has(id) && !sources.some(source => syntax[id]?.test(source)))
    expect(unused.map(({ id }) => id)).toEqual([])
  })

  it.each(notOffered)('without %s: %s', name => {
    expect(rows.some(row => row.name === name)).toBe(true)
    expect(functions.some(({ signature }) => signature.startsWith(`${name}(`))).toBe(false)
  })
})
