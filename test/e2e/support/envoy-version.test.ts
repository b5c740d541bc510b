import { expect, it } from 'vitest'
import { type EnvoyVersion, includes } from './envoy-version.js'

const fixed = ['1.36.10', '1.37.6', '1.38.4', '1.39.1'] as const

it.each<[string, readonly EnvoyVersion[], boolean]>([
  ['1.40.0', ['1.40'], true],
  ['1.40.7', ['1.40'], true],
  ['1.41.0', ['1.40'], true],
  ['2.0.0', ['1.40'], true],
  ['1.39.9', ['1.40'], false],
  ['1.9.9', ['1.40'], false],
  ['1.40.0', ['1.40.1'], false],
  ['1.35.12', fixed, false],
  ['1.36.9', fixed, false],
  ['1.36.10', fixed, true],
  ['1.37.0', fixed, false],
  ['1.38.3', fixed, false],
  ['1.38.4', fixed, true],
  ['1.39.3', fixed, true],
  ['1.40.0', fixed, true],
])('%s, of what came with %j: %s', (version, since, expected) => {
  expect(includes(version, since)).toBe(expected)
})
