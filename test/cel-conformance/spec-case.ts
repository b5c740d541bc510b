import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js'

export type SpecTest = IncrementalTestSuite['tests'][number]['original']
export type SpecValue = Extract<SpecTest['resultMatcher'], { case: 'value' }>['value']

/** One case of the official suite, and where it stands there. */
export interface SpecCase {
  readonly file: string
  readonly section: string
  readonly name: string
  readonly test: SpecTest
}

/** All cases of all files, in the order of the suite (cel-spec, tests/simple/testdata). */
export function specCases(): readonly SpecCase[] {
  return getConformanceSuite().suites.flatMap(file => casesOf(file, file.name, []))
}

function casesOf(suite: IncrementalTestSuite, file: string, sections: readonly string[]): SpecCase[] {
  const section = sections.join('/')
  return [
    ...suite.tests.map(({ original }) => ({ file, section, name: original.name, test: original })),
    ...suite.suites.flatMap(inner => casesOf(inner, file, [...sections, inner.name])),
  ]
}
