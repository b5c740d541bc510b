import { readdirSync, readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prepareFile } from './prepare-file.js'
import type { PreparedFile } from './prepared-file.js'
import { preparedFiles } from './prepared-files.js'
import { readDocuments } from './read-documents.js'
import { readPrepared } from './read-prepared.js'
import type { PathSegment, SourceDocument } from './source-document.js'

const folder = new URL('../../policies/catalogs/', import.meta.url)
const shipped = readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

/** As the bundle has it. */
function prepared(text: string): PreparedFile {
  return runInThisContext(`(${prepareFile('p.yaml', text)})`)
}

function read(text: string): readonly SourceDocument[] {
  const { documents, findings } = readDocuments('p.yaml', text)
  expect(findings).toEqual([])
  return documents
}

/** The paths of all values. */
function pathsIn(value: unknown, path: readonly PathSegment[] = []): readonly (readonly PathSegment[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Array.isArray(value)
    ? value.flatMap((one, i) => pathsIn(one, [...path, i]))
    : Object.entries(value).flatMap(([key, one]) => pathsIn(one, [...path, key]))
  return [path, ...inner]
}

/** All that can be asked of a document. */
function told(document: SourceDocument) {
  const { locate, finding, ...rest } = document
  const places = pathsIn(document.value).flatMap(path => [
    locate(path),
    finding('error', path, 'a message', { hint: 'a hint' }),
    finding('warning', [...path, 'not there'], '', { at: 'key' }),
    finding('warning', path, '', { at: 'key' }),
    finding('error', path, '', { offset: { line: 2, column: 3 } }),
  ])
  return { rest, places }
}

function prototypes(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return [Object.getPrototypeOf(value), ...Object.values(value).flatMap(prototypes)]
}

function expectSame(text: string): void {
  const known = readPrepared([prepared(text)], 'p.yaml', text)
  const documents = read(text)
  expect(known?.map(told)).toStrictEqual(documents.map(told))
  expect(known?.flatMap(({ value }) => prototypes(value))).toEqual(documents.flatMap(({ value }) => prototypes(value)))
}

const head = 'apiVersion: v1\nkind: Thing\n'

describe('a file that was read ahead', () => {
  it.each(shipped)('is $name as it is read', ({ text }) => expectSame(text))

  it.each([
    ['nothing', ''],
    ['comments', '# one\n---\n# two\n'],
    ['several documents', `# a\n---\n${head}---\n---\n${head}a: 1\n...\n# b\n---\n${head}a: 1\n`],
    ['documents in the same words', `---\n${head}---\n${head}---\n---\n${head}`],
    ['a byte order mark', `\uFEFF${head}a: b\n`],
    ['lines of another kind', `${head}a: b\nb:\r\n- c\r\n---\r\n${head}`],
    ['aliases', `${head}a: &a { b: [&c c, "d\\u2028\\u0000e"] }\nf: [*a, *c, *a]\n`],
    ['numbers', `${head}a: [-0, -0.0, 0, 1e3, 0x10, 9007199254740991, 1.5e-300]\n`],
    [
      'keys that objects have',
      `${head}{ "constructor": 1, "toString": {}, "a b": null, "": true }\n`.replace('{', 'a: {'),
    ],
    ['characters beyond the plane', `${head}a: "😀 \\U0001F600 \\ud83d"\nb: |-\n  😀\n  two\n`],
  ])('is as it is read: %s', (_, text) => expectSame(text))

  it('is as it is read, whatever it holds', () => {
    const documents = fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), { maxLength: 4 })
    fc.assert(
      fc.property(documents, spec => {
        const texts = spec.map(one => `---\n${head}spec: ${JSON.stringify(one)}\n`)
        const text = texts.filter(one => readDocuments('p.yaml', one).findings.length === 0).join('')
        expectSame(text)
      }),
    )
  })

  it('counts only for the very text', () => {
    const text = `${head}a: one\n`
    const files = [prepared(text)]
    expect(readPrepared(files, 'p.yaml', text)).toHaveLength(1)
    for (const other of [`${head}a: two\n`, `${text}\n`, text.slice(1), '', text.replace('a', '\u0430')])
      expect(readPrepared(files, 'p.yaml', other)).toBeUndefined()
  })

  it('tells a lone surrogate from the character that takes its place in bytes', () => {
    const files = [prepared(`${head}a: "\uFFFD"\n`)]
    expect(readPrepared(files, 'p.yaml', `${head}a: "\uD83D"\n`)).toBeUndefined()
  })

  it('is given anew each time', () => {
    const text = `${head}a: [1]\n`
    const files = [prepared(text)]
    const [first] = readPrepared(files, 'p.yaml', text) ?? []
    const [second] = readPrepared(files, 'p.yaml', text) ?? []
    expect(first?.value).toEqual(second?.value)
    expect(first?.value).not.toBe(second?.value)
  })

  it.each([
    ['broken', `${head}a: {\n`],
    ['without a kind', 'a: 1\n'],
    ['with a key that stands there twice', `${head}a: 1\na: 2\n`],
  ])('is nothing %s', (_, text) => expect(() => prepareFile('p.yaml', text)).toThrow('p.yaml:'))

  it('is none in the source', () => expect(preparedFiles).toEqual([]))
})
