import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { compileResultGuardrail } from '../policy/result-guardrail.js'
import type { ResultPattern } from '../policy/result-guardrail-patterns.js'
import { findHits, redactText } from './search-texts.js'

/** With every kind of anchor and flag, and of what may or may not cross a line end. */
const sources = [
  ...[
    'ab',
    'a[bc]+',
    '^a',
    'a$',
    '\\Aa',
    'a\\z',
    '(?m)^b',
    '(?m)b$',
    '(?-m)^c',
    '(?i)AB',
    '(?s)a.b',
    'a.b',
    'a\\sb',
    '[^a]b',
  ],
  ...[
    '\\bab\\b',
    '\\Ba\\B',
    'a|bb',
    'a*b',
    '(?:ab){2}',
    '^a$',
    '(?m)^a$',
    'a\\nb',
    '(?i:a)B',
    '(?P<n>c)a',
    'c\\Sa',
    '[a-b ]c',
    'b+?c',
  ],
]

const known = new Map<string, ResultPattern>()
function compiled(source: string): ResultPattern {
  const document = {
    ...{ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Guardrail', metadata: { name: 'g' } },
    spec: { on: 'response', patterns: [{ pattern: source, replacement: '#' }] },
  }
  const [read] = readDocuments('g.yaml', JSON.stringify(document)).documents
  const pattern = known.get(source) ?? (read && compileResultGuardrail(read).value?.patterns[0])
  if (pattern === undefined) throw new Error(`does not compile: ${source}`)
  known.set(source, pattern)
  return pattern
}

const pattern = fc.constantFrom(...sources).map(source => [source, compiled(source)] as const)
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'A', ' ', '\n', '\r', 'é', '😀', '\ud800'),
  maxLength: 10,
})

function finish<R>(work: Generator<void, R>): R {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

describe('a search', () => {
  it('through many texts at once finds what one through each finds', () => {
    fc.assert(
      fc.property(pattern, fc.array(text, { maxLength: 6 }), ([, one], texts) => {
        const hits = finish(findHits({ from: 0, to: texts.length, read: index => texts[index] }, [one]))
        const each = texts.flatMap((found, index) => (found !== '' && one.test(found) ? [index] : []))
        expect(hits.places.get(one) ?? []).toEqual(each)
      }),
      { numRuns: 2000 },
    )
  })

  it('line by line finds what one through the whole text finds', () => {
    // Longer than what is searched as a whole.
    const filler = fc.constantFrom('é b\n'.repeat(3000), 'cc cc\n'.repeat(3000), ' '.repeat(17_000))
    const long = fc.tuple(text, filler, text, filler, text).map(parts => parts.join(''))
    fc.assert(
      fc.property(pattern, long, ([, one], whole) => {
        fc.pre(one.staysOnLine)
        const found = finish(redactText(whole, [one], () => true))
        let naive = ''
        let at = 0
        for (const { start, end } of one.matches(whole)) {
          naive += `${whole.slice(at, start)}#`
          at = end
        }
        naive += whole.slice(at)
        // What one round leaves may be found in the next one.
        if (!one.test(naive)) expect(found?.text).toBe(naive)
        expect(found === undefined || !one.test(found.text)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('is about lines for some of the patterns', () => {
    const byLine = sources.filter(source => compiled(source).staysOnLine)
    expect(byLine).toEqual(expect.arrayContaining(['ab', '(?i)AB', 'a.b', '\\bab\\b', 'c\\Sa']))
    expect(byLine).not.toEqual(expect.arrayContaining(['a\\sb']))
  })
})
