import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDocuments } from './read-documents.js'
import type { SourceDocument } from './source-document.js'

function read(text: string): SourceDocument {
  const { documents, findings } = readDocuments('p.yaml', text)
  const [document] = documents
  if (document === undefined) throw new Error(JSON.stringify(findings))
  return document
}

const document = read(`apiVersion: v1
kind: Guardrail
metadata: { name: cap }
spec:
  validations:
  - expression: a.b
    hint: &h text
  -   expression: >-
        one
  "odd.key": [1, 2]
`)

describe('locate', () => {
  it.each([
    ['a scalar', ['kind'], 2, 7],
    ['a value in a flow mapping', ['metadata', 'name'], 3, 19],
    ['a block mapping: its first key', ['spec'], 5, 3],
    ['a list entry', ['spec', 'validations', 1], 8, 7],
    ['a quoted key', ['spec', 'odd.key', 1], 10, 18],
    ['behind an anchor', ['spec', 'validations', 0, 'hint'], 7, 14],
    ['a missing key: its parent', ['spec', 'validations', 0, 'message'], 6, 5],
    ['a missing index: the list', ['spec', 'validations', 7], 6, 3],
    ['nothing of it', ['status', 'x'], 1, 1],
    ['nothing through a prototype', ['constructor'], 1, 1],
  ])('%s', (_, path, line, column) => {
    expect(document.locate(path)).toEqual({ file: 'p.yaml', document: 1, line, column })
  })

  it('points at a key on request', () => {
    const finding = document.finding('warning', ['spec', 'validations'], 'm', { at: 'key', hint: 'h' })
    expect(finding).toEqual({
      severity: 'warning',
      location: { file: 'p.yaml', document: 1, line: 5, column: 3 },
      subject: 'Guardrail/cap',
      path: 'spec.validations',
      message: 'm',
      hint: 'h',
    })
  })

  it('writes odd keys readably', () => {
    expect(document.finding('error', ['spec', 'odd.key', 1], 'm').path).toBe('spec["odd.key"][1]')
  })
})

describe('positions inside a scalar', () => {
  const at = (yaml: string, line: number, column: number) => {
    const found = read(`apiVersion: v1\nkind: K\n${yaml}\nlast: 1\n`)
    const { location } = found.finding('error', ['e'], 'm', { offset: { line, column } })
    return [location.line, location.column]
  }
  it.each([
    ['plain', 'e: a + b', 1, 5, [3, 8]],
    ['plain, on a blank', 'e: a + b', 1, 4, [3, 7]],
    ['plain, at its end', 'e: a + b', 1, 6, [3, 9]],
    ['plain over two lines', 'e: a +\n   b', 1, 5, [4, 4]],
    ['single quotes', "e: 'a + b'", 1, 5, [3, 9]],
    ['single quotes, doubled', "e: 'x == ''y'' + z'", 1, 12, [3, 18]],
    ['double quotes', 'e: "a + b"', 1, 5, [3, 9]],
    ['double quotes, escapes', 'e: "\\"\\x41\\" + \\u0062"', 1, 7, [3, 16]],
    ['double quotes, escaped line end', 'e: "a\\n+ b"', 2, 3, [3, 10]],
    ['double quotes, continued line', 'e: "a \\\n   b"', 1, 3, [4, 4]],
    ['literal', 'e: |\n  a\n    b\n\n  c', 2, 3, [5, 5]],
    ['literal, after an empty line', 'e: |\n  a\n    b\n\n  c', 4, 1, [7, 3]],
    ['literal with indentation indicator', 'e: |1- # note\n   a', 1, 3, [4, 4]],
    ['literal, at its end', 'e: |\n  ab\n', 1, 3, [4, 5]],
    ['folded', 'e: >-\n  a &&\n  b', 1, 6, [5, 3]],
    ['folded with a paragraph', 'e: >-\n  a\n\n  b', 2, 1, [6, 3]],
    ['folded, windows line ends', 'e: >-\r\n  a &&\r\n  b\r', 1, 6, [5, 3]],
    ['behind a character of two units', 'e: \'"\u{1f600}" + b\'', 1, 7, [3, 12]],
    ['behind an escape for one', 'e: "\\U0001F600 + b"', 1, 5, [3, 18]],
    ['beyond the end', 'e: ab', 9, 9, [3, 6]],
    ['not a text', 'e: [1]', 1, 2, [3, 4]],
  ])('%s', (_, yaml, line, column, expected) => {
    expect(at(yaml, line, column)).toEqual(expected)
  })

  it('finds the same character in the file, whatever the style', () => {
    const word = fc.stringMatching(/^[a-z&|<>=()"'+]{1,6}$/)
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), fc.nat(), (words, pick) => {
        const value = `x${words.join(' ')}`
        const solid = [...value].flatMap((character, i) => (character === ' ' ? [] : [i]))
        const index = solid[pick % solid.length] ?? 0
        const folded = `>-\n  ${value.split(' ').join('\n  ')}`
        for (const style of [JSON.stringify(value), `'${value.replaceAll("'", "''")}'`, `|-\n  ${value}`, folded]) {
          const text = `apiVersion: v1\nkind: K\ne: ${style}\n`
          const { location } = read(text).finding('error', ['e'], '', { offset: { line: 1, column: index + 1 } })
          const found = text.split('\n')[location.line - 1]?.slice(location.column - 1) ?? ''
          expect(found.replace(/^\\/, '').charAt(0)).toBe(value.charAt(index))
        }
      }),
    )
  })
})
