import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sessionOfSource, variableTypes } from './cost-session.fixture.js'
import type { InputSizes } from './input-sizes.js'

const timestamp = 'google.protobuf.Timestamp'
const variables = variableTypes({
  ...{ s: 'string', t: 'string', n: 'int', b: 'bool', f: 'double', xs: 'list(string)', ns: 'list(int)' },
  ...{ xss: 'list(list(string))', m: 'map(string, string)', ms: 'map(string, list(string))' },
  ...{ o: 'optional_type(string)', at: timestamp, p: 'google.protobuf.Duration', raw: 'bytes' },
})

/** As in test/cel-go/estimate. */
const sizes: InputSizes = {
  inputBytes: 65_536,
  of: (_, kind) => ({ min: 0, max: { text: 100, list: 10, map: 5 }[kind] }),
}

const rows = readFileSync(new URL('estimated-by-cel-go.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => {
    const [source = '', min, max] = line.split('\t')
    return { source, min: Number(min), max: Number(max) }
  })

/** What cannot be known in cel-go: 2^64, or a tenth of it. */
const unknown = 2 ** 60

/** Where our evaluator counts otherwise than cel-go, so that its estimate does not hold for us or is too much. */
const otherwise: readonly (readonly [RegExp, string])[] = [
  [/^(?:xs == xs|m == m)$/, 'the elements of both sides are looked at, each of them'],
  [/\.charAt\(/, 'the text is read up to the place'],
  [/^s\.indexOf\(t\)$/, 'what is looked for counts as well, as in `contains`'],
  [/^s\.replace\("a", t\)$/, 'writing what takes the place of each occurrence'],
  [/\.join\(/, 'every separator is written, too'],
  [/\.find(?:All)?\(/, 'a pattern is compiled when it first comes; every match leaves objects behind'],
  [/^xs\.(?:lastI|i)ndexOf\(/, 'texts of different length are unequal at once'],
  [/\.flatten\(/, 'every element of every list is taken'],
  [/^url\(s\)\.get/, 'a part of a URL is decoded and copied'],
  [/^isURL\(/, 'the text is read'],
  [/\.validate\(/, 'any format, as a named one is not known before: the longest pattern counts'],
  [/\.split\(/, 'each part is a text of its own'],
  [/\.format\(/, 'each clause writes its argument'],
]

describe('what cel-go expects, with the estimator of Kubernetes', () => {
  it.each(rows)('$source', ({ source, max }) => {
    const ours = sessionOfSource(source, variables)?.estimate(sizes).max ?? Number.NaN
    if (otherwise.some(([pattern]) => pattern.test(source))) return expect(ours).toBeGreaterThan(0)
    if (max >= unknown) return expect(ours).toBeLessThan(1000)
    expect(ours).toBeLessThanOrEqual(2 * max)
    return expect(2 * ours).toBeGreaterThanOrEqual(max)
  })

  it('holds for most of the table', () => {
    const exceptions = rows.filter(({ source }) => otherwise.some(([pattern]) => pattern.test(source)))
    expect(rows.length).toBeGreaterThan(200)
    expect(exceptions.length).toBeLessThan(30)
  })
})
