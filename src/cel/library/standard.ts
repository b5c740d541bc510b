import type { Library } from './library.js'
import { standardConversions } from './standard-conversions.js'
import { standardTexts } from './standard-texts.js'
import { standardTimes } from './standard-times.js'

/** The functions that every environment has (cel-spec langdef.md). Operators and macros are part of the evaluator. */
export const standard: Library = {
  name: 'standard',
  functions: [...standardTexts, ...standardConversions, ...standardTimes],
}
