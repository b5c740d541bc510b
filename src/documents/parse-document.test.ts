import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Document, parseDocument as parseYaml } from 'yaml'
import { atOnce } from '../sliced.js'
import { parseDocumentInSlices, yamlOptions } from './parse-document.js'

const folder = new URL('../../policies/catalogs/', import.meta.url)
const shipped = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder), 'utf8')] as const)

const catalogOf = (tools: number) =>
  `kind: ToolCatalog\nspec:\n  tools:\n${Array.from({ length: tools }, (_, n) => `    tool_${n}: { effect: read }\n`).join('')}`

/** All that is looked at of a document. */
function seen(document: Document.Parsed | undefined): unknown {
  if (document === undefined) return undefined
  const brief = ({ code, message, pos }: (typeof document.errors)[number]) => ({ code, message, pos })
  return {
    contents: JSON.stringify(document.contents, (key, value) => (key === 'srcToken' ? undefined : value)),
    ranges: JSON.stringify(rangesOf(document.contents)),
    errors: document.errors.map(brief),
    warnings: document.warnings.map(brief),
  }
}

function rangesOf(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return null
  const { range, anchor, source, items, key, value } = node as Record<string, unknown>
  const inside = Array.isArray(items) ? items.map(rangesOf) : [rangesOf(key), rangesOf(value)]
  return [range, anchor, source, inside]
}

describe('a document that is parsed in slices', () => {
  it.each(shipped)('is what the parser makes of it in one piece: %s', (_name, text) => {
    expect(seen(atOnce(parseDocumentInSlices(text)))).toEqual(seen(parseYaml(text, yamlOptions)))
  })

  it('is what the parser makes of it in one piece, whatever stands in it', () => {
    const parts = [
      'a',
      'b: ',
      '- ',
      '? ',
      ': ',
      '\n',
      '\n  ',
      '\n    ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '"',
      "'",
      '|\n',
      '>-\n',
    ]
    const odd = [
      '&x ',
      '*x',
      '!!str ',
      '!t ',
      '#',
      ' # c\n',
      '\t',
      '\r\n',
      '---\n',
      '...\n',
      '%YAML 1.2\n',
      '\\',
      '1',
      '@',
    ]
    const text = fc.array(fc.constantFrom(...parts, ...odd), { maxLength: 40 }).map(all => all.join(''))
    fc.assert(
      fc.property(text, one => {
        expect(seen(atOnce(parseDocumentInSlices(one)))).toEqual(seen(parseYaml(one, yamlOptions)))
      }),
      { numRuns: 2000 },
    )
  })

  it('gives way often, the longer it is the more often', () => {
    const pausesIn = (tools: number) => [...parseDocumentInSlices(catalogOf(tools))].length
    expect(pausesIn(10)).toBe(0)
    expect(pausesIn(1000)).toBeGreaterThan(20)
    expect(pausesIn(8000)).toBeGreaterThan(pausesIn(1000) * 7)
  })

  it('is none when brackets are nested more deeply than the parser can follow', () => {
    const deep = atOnce(parseDocumentInSlices(`a: ${'['.repeat(100_000)}`))
    expect(deep === undefined || deep.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')).toBe(true)
  })
})
