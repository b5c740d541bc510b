import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatFinding } from '../src/documents/format-finding.js'
import { readDocuments } from '../src/documents/read-documents.js'
import { packageRoot } from '../src/package-root.js'
import { expressionsOf } from '../src/policy/expression-places.js'
import { lintDocument } from '../src/policy/lint-document.js'
import { writePolicies } from './bench/policies.js'
import { codeBlocks, markdownFiles } from './docs/markdown.js'

/** What we ship, show and test with is what people copy: lint has nothing to say about it. */
describe('lint', () => {
  const folders = ['policies', 'deploy', 'envoy', 'test/hostile', 'test/e2e', 'test/bench']
  const files = folders.flatMap(yamlFilesIn)
  const shown = markdownFiles()
    .flatMap(codeBlocks)
    .filter(({ language, text }) => language === 'yaml' && text.includes('apiVersion:'))
    .map(({ file, line, text }) => [`${file}:${line}`, text] as const)
  const bench = writePolicies({ keys: [] })
  const measured = yamlFilesIn(bench.directory)
  bench.remove()

  it('finds expressions to look at', () => {
    const texts = [...files, ...shown, ...measured].map(([name, text]) => readDocuments(name, text).documents)
    expect(texts.flat().flatMap(expressionsOf).length).toBeGreaterThan(40)
  })

  it.each([...files, ...shown, ...measured])('has nothing to say about %s', (name, text) => {
    // Expressions of other programs have variables of their own.
    const ours = readDocuments(name, text).documents.filter(({ kind }) => kind !== 'ValidatingAdmissionPolicy')
    const findings = ours.flatMap(lintDocument)
    expect(findings.map(formatFinding)).toEqual([])
  })
})

function yamlFilesIn(folder: string): readonly (readonly [name: string, text: string])[] {
  const root = folder.startsWith('/') ? folder : join(packageRoot, folder)
  let names: readonly string[] = []
  try {
    names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  } catch {
    // Not every folder is there from the beginning.
  }
  return names
    .filter(name => /\.ya?ml$/.test(name))
    .map(name => [join(folder, name), readFileSync(join(root, name), 'utf8')])
}
