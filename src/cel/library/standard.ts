import type { Library } from './library.js'
import { standardConversions } from './standard-conversions.js'
import { standardTexts } from './standard-texts.js'
import { specTimes, standardTimes } from './standard-times.js'

/** The functions that every environment has (cel-spec langdef.md). Operators and macros are part of the evaluator. */
export const standard: Library = {
  name: 'standard',
  functions: [...standardTexts, ...standardConversions, ...standardTimes],
}

/**
 * The same to the letter of the specification, for its conformance suite. No set offers it: `d.getMilliseconds() < 5000` is
 * always true in it, and not in Kubernetes, where policies and their authors come from.
 */
export const specStandard: Library = {
  name: 'standard',
  functions: [...standardTexts, ...standardConversions, ...specTimes],
}
