import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  getCheckingSuite,
  getComprehensionSuite,
  getConformanceSuite,
  getParsingSuite,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js'
import { packageRoot } from '../../src/package-root.js'

/** Larger ones would take the time of many others. */
const most = 4000

/** Expressions that people wrote: the suites of CEL, recordings of cel-go, and the policies of this repository. */
export function loadCorpus(): readonly string[] {
  const suites = [getConformanceSuite(), getParsingSuite(), getCheckingSuite(), getComprehensionSuite()]
  const all = [
    ...suites.flatMap(expressionsOf),
    ...columnOf('src/cel/library/testdata/cel-go.tsv', 1),
    ...recorded('src/cel/testdata/kubernetes-libraries.json'),
    ...['policies', 'demo', 'test/hostile/policies', 'docs'].flatMap(inYaml),
  ]
  return [...new Set(all)].filter(source => source.length > 0 && source.length <= most)
}

function expressionsOf(suite: IncrementalTestSuite): string[] {
  return [...suite.tests.map(({ original }) => original.expr), ...suite.suites.flatMap(expressionsOf)]
}

function columnOf(file: string, column: number): string[] {
  const lines = readFileSync(join(packageRoot, file), 'utf8').split('\n')
  return lines.filter(line => !line.startsWith('#')).flatMap(line => line.split('\t')[column] ?? [])
}

function recorded(file: string): string[] {
  return [...readFileSync(join(packageRoot, file), 'utf8').matchAll(/"expression": ("(?:[^"\\]|\\.)*")/g)].flatMap(
    ([, text = '""']) => {
      const expression: unknown = JSON.parse(text)
      return typeof expression === 'string' ? [expression] : []
    },
  )
}

/** Roughly: what stands after the keys that hold expressions. What is none is as good to mutate. */
function inYaml(folder: string): string[] {
  const files = readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter(file => /\.(?:ya?ml|md)$/.test(file))
    .flatMap(file => [
      ...readFileSync(join(packageRoot, folder, file), 'utf8').matchAll(
        /^\s*(?:- )?(?:when|expression|unless|deny|allow|if|message): *['"]?(.+?)['"]?$/gm,
      ),
    ])
    .flatMap(([, text]) => text ?? [])
}
