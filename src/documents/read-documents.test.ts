import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentLimits, readDocuments } from './read-documents.js'

const head = 'apiVersion: v1\nkind: Thing\n'

function brief(text: string): string[] {
  return readDocuments('p.yaml', text).findings.map(
    ({ location: { document, line, column }, path, message }) => `${document}:${line}:${column} ${path}| ${message}`,
  )
}

describe('readDocuments', () => {
  it('reads several documents, skips empty ones, and counts them', () => {
    const text = `# nothing yet\n---\n${head}metadata: { name: a }\n---\n# only a comment\n---\n${head}spec: 1\n...\n`
    const { documents, findings } = readDocuments('p.yaml', text)
    expect(findings).toEqual([])
    expect(documents.map(({ index, kind, name, apiVersion }) => ({ index, kind, name, apiVersion }))).toEqual([
      { index: 1, kind: 'Thing', name: 'a', apiVersion: 'v1' },
      { index: 3, kind: 'Thing', name: '', apiVersion: 'v1' },
    ])
    expect(documents[1]?.text).toBe(`---\n${head}spec: 1\n`)
  })

  it('gives plain values without prototypes', () => {
    const { documents } = readDocuments(
      'p.yaml',
      `${head}a: { constructor: 1, b: [true, null, 1.5, 007x, on, 0x10, "5", !!str 5] }`,
    )
    const value = documents[0]?.value
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      apiVersion: 'v1',
      kind: 'Thing',
      a: { constructor: 1, b: [true, null, 1.5, '007x', 'on', 16, '5', '5'] },
    })
  })

  it.each([
    ['a tab as indentation', 'a:\n\tb: 1', ['1:4:1 | Tabs are not allowed as indentation']],
    ['a colon in a plain value', 'a: b: c', ['1:3:4 | Nested mappings are not allowed in compact mappings']],
    ['an open quote', 'a: "x\nb: 1', ['1:4:5 | Missing closing "quote']],
    ['a missing colon', 'a\nb: 1', ['1:3:1 | Implicit map keys need to be followed by map values']],
    ['a backquote', 'a: `x`', ['1:3:4 | Plain value cannot start with reserved character `']],
    ['a repeated key', 'a: 1\nb:\n  c: 1\n  "c": 2', ['1:6:3 b.c| the key "c" stands here twice']],
    ['a key in an escaped spelling', '"a": 1\n"\\u0061": 2', ['1:4:1 a| the key "a" stands here twice']],
    ['a number as a key', 'a: { 1: x }', ['1:3:6 a| this key is not text']],
    ['a list as a key', '? [a]\n: b', ['1:3:3 | this key is not text']],
    ['__proto__', 'a:\n  __proto__: {}', ['1:4:3 a| the key __proto__ is not allowed']],
    ['an alias to nothing', 'a: *.js', ['1:3:4 a| no anchor &.js before this alias']],
    ['an alias to what contains it', 'a: &x [*x]', ['1:3:8 a[0]| no anchor &x before this alias']],
    ['a merge key', 'a: &x { b: 1 }\nc:\n  <<: *x', ['1:5:3 c| merge keys (<<) are not supported']],
    ['a tag', 'a: !secret x', ['1:3:4 | Unresolved tag: !secret']],
    ['a binary tag', 'a: !!binary aGk=', ['1:3:4 | Unresolved tag: tag:yaml.org,2002:binary']],
    ['digits that would be lost', 'a: 12345678901234567890', ['1:3:4 a| the number is too large to be exact']],
    [
      'octal or decimal',
      'a: 0755',
      ['1:3:4 a| a number with leading zeros means different things to different programs'],
    ],
    ['infinity', 'a: .inf', ['1:3:4 a| infinity and not-a-number are not values here']],
    ['windows line ends', 'a: 1\r\nb: 1\r\na: 2\r\n', ['1:5:1 a| the key "a" stands here twice']],
  ])('refuses %s', (_, text, expected) => {
    expect(brief(head + text)).toEqual(expected)
    expect(readDocuments('p.yaml', head + text).documents).toEqual([])
  })

  it.each([
    ['no apiVersion', 'kind: A', ['1:1:1 apiVersion| apiVersion is missing']],
    ['no kind', '\n\napiVersion: v1', ['1:3:1 kind| kind is missing']],
    ['a kind that is no text', 'apiVersion: v1\nkind: 5', ['1:2:7 kind| kind must be text']],
    ['a list', '- a', ['1:1:1 | a document must be a mapping (key: value)']],
    ['plain text', '\n  hello', ['1:2:3 | a document must be a mapping (key: value)']],
    [
      'a YAML 1.1 directive',
      '%YAML 1.1\n---\nkind: on',
      ['1:1:1 | YAML directives (%) are not supported', '1:3:1 apiVersion| apiVersion is missing'],
    ],
    ['a byte order mark', '\uFEFFkind: A', ['1:1:1 apiVersion| apiVersion is missing']],
  ])('says where: %s', (_, text, expected) => {
    expect(brief(text)).toEqual(expected)
  })

  it.each([
    ['an open quote', 'a: "never closed'],
    ['an open bracket', 'a: [1, {'],
    ['a tab', 'a:\n\tb: c'],
    ['an open block scalar', 'a: |'],
  ])('loads the siblings of a document with %s', (_, broken) => {
    const { documents, findings } = readDocuments('p.yaml', `${head}\n---\n${head}${broken}\n---\n${head}`)
    const kept = documents.map(document => document.index)
    expect(kept).toEqual(broken === 'a: |' ? [1, 2, 3] : [1, 3])
    expect(findings.every(finding => finding.location.document === 2)).toBe(true)
  })

  it('names the subject when it is known', () => {
    const { findings } = readDocuments('p.yaml', `${head}metadata: { name: x }\na: 1\na: 2`)
    expect(findings[0]?.subject).toBe('Thing/x')
  })

  it('follows aliases to what they stand for', () => {
    const [document] = readDocuments('p.yaml', `${head}a: &x\n  - b: 1\nc: *x`).documents
    expect(document?.locate(['c', 0, 'b'])).toEqual({ file: 'p.yaml', document: 1, line: 4, column: 8 })
  })

  describe('bounds', () => {
    it.each([
      ['a large file', `a: ${'x'.repeat(documentLimits.bytes)}`, 'the file is larger than 1 MiB'],
      ['many documents', `---\n${head}`.repeat(documentLimits.documents + 1), 'more than 1000 documents'],
      ['many aliases', `${head}a: &x 1\nb: [${'*x ,'.repeat(150)}]`, 'more than 100 aliases'],
      ['brackets without end', `${head}a: ${'['.repeat(100_000)}`, 'nested'],
      ['deep brackets', `${head}a: ${'['.repeat(80)}${']'.repeat(80)}`, 'nested more than 64 levels deep'],
      ['many values', `${head}a: [${'1,'.repeat(110_000)}]`, 'the document is too large: more than 100000 values'],
      ['the billion laughs', laughs(), 'the document is too large: more than 100000 values'],
      ['aliases that nest', nest(), 'nested more than 64 levels deep'],
    ])('%s', (_, text, message) => {
      const started = performance.now()
      expect(brief(text).join('\n')).toContain(message)
      expect(performance.now() - started).toBeLessThan(3000)
    })

    it('stays quick on many keys', () => {
      const text = head + Array.from({ length: 60_000 }, (_, i) => `k${i}: ${i}\n`).join('')
      const started = performance.now()
      expect(readDocuments('p.yaml', text).documents).toHaveLength(1)
      expect(performance.now() - started).toBeLessThan(3000)
    })
  })

  it('never throws, and a document without findings has a kind', () => {
    const token = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '---\n',
      '...\n',
      '"',
      "'",
      '|',
      '>',
      '[',
      ']',
      '{',
      '}',
      '&x ',
      '*x',
      '!t ',
      '#',
      '\t',
      '%YAML',
      '?',
      ',',
      '0',
      head,
      '\r\n',
      '\u0000',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), tokens => {
        for (const document of readDocuments('p.yaml', tokens.join('')).documents)
          expect(document.kind).toMatch(/^Thing/)
      }),
      { numRuns: 500 },
    )
  })
})

function laughs(): string {
  let text = `${head}a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n`
  for (let i = 1; i < 9; i++)
    text += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`
  return text
}

function nest(): string {
  let text = `${head}a0: &a0 [1]\n`
  for (let i = 1; i < 90; i++) text += `a${i}: &a${i} [*a${i - 1}]\n`
  return text
}
