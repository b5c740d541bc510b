import { createCelEnvironment } from '../cel/create-environment.js'
import type { Activation, CelEnvironment, CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { JsonObject } from '../protocol/json-value.js'

/** Expressions over the claims of a token: claim mappings, claim rules, `agent`, `tenant`. */
export const claimsEnvironment: CelEnvironment = createCelEnvironment({ claims: 'map' })

/** Expressions over the mapped user (`userValidationRules`). */
export const userEnvironment: CelEnvironment = createCelEnvironment({ user: 'map' })

export function claimsActivation(claims: JsonObject): Activation {
  return name => (name === 'claims' ? claims : undefined)
}

/** Compiles an expression of a document; undefined when it does not compile, with an error finding at its place. */
export function compileAt(
  document: SourceDocument,
  findings: Finding[],
  environment: CelEnvironment,
  path: readonly PathSegment[],
  source: string,
  result: 'bool' | 'string' | 'dyn',
): CelProgram | undefined {
  const compiled = environment.compile(source, result)
  if (compiled.ok) return compiled.program
  const { message, hint, line, column } = compiled.error
  findings.push(
    document.finding('error', path, message, {
      ...(hint !== undefined && { hint }),
      ...(line !== undefined && column !== undefined && { offset: { line, column } }),
    }),
  )
  return undefined
}
