import { createCelEnvironment } from '../cel/create-environment.js'
import type { Activation, CelEnvironment, CelProgram } from '../cel/environment.js'
import { lazyCelEnvironment } from '../cel/lazy-environment.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { JsonObject } from '../protocol/json-value.js'
import { unescapedClaims } from './unescaped-claims.js'

/** Expressions of Identity over the claims of a token: `agent`, `tenant`. */
export const claimsEnvironment: CelEnvironment = createCelEnvironment({ claims: 'map' })

/** The functions that an API server offers to the expressions of its AuthenticationConfiguration: what loads there loads here. */
const set = 'kubernetes/1.36'

/** Claim mappings and claim rules of an AuthenticationConfiguration. */
export const kubernetesClaimsEnvironment: CelEnvironment = lazyCelEnvironment({ claims: 'map' }, { set })

/** User rules of an AuthenticationConfiguration; a field that a user does not have is refused. */
export const userEnvironment: CelEnvironment = lazyCelEnvironment(
  { user: 'kubernetes.UserInfo' },
  {
    set,
    types: {
      'kubernetes.UserInfo': {
        username: 'string',
        uid: 'string',
        groups: 'list(string)',
        extra: 'map(string, list(string))',
      },
    },
  },
)

export function claimsActivation(claims: JsonObject): Activation {
  return name => (name === 'claims' ? claims : undefined)
}

/** The same for an expression of an AuthenticationConfiguration, which may say names in their escaped form. */
export function kubernetesClaimsActivation(claims: JsonObject, { source }: CelProgram): Activation {
  // Few do, and those who do not need no copy.
  return claimsActivation(source.includes('__') ? unescapedClaims(claims) : claims)
}

/** `condition` is a bool for sure, as the API server wants its rules; `texts` is a text or a list of texts. */
export type ExpressionResult = 'bool' | 'string' | 'dyn' | 'condition' | 'texts'

/** Compiles an expression of a document; undefined when it does not compile, with an error finding at its place. */
export function compileAt(
  document: SourceDocument,
  findings: Finding[],
  environment: CelEnvironment,
  path: readonly PathSegment[],
  source: string,
  result: ExpressionResult,
): CelProgram | undefined {
  const wanted = result === 'condition' ? 'bool' : result === 'texts' ? 'dyn' : result
  const compiled = environment.compile(source, wanted)
  if (compiled.ok) {
    const problem = problemOf(environment, source, result)
    if (problem === undefined) return compiled.program
    findings.push(document.finding('error', path, problem.message, { hint: problem.hint }))
    return undefined
  }
  const { message, hint, line, column } = compiled.error
  findings.push(
    document.finding('error', path, message, {
      ...(hint !== undefined && { hint }),
      ...(line !== undefined && column !== undefined && { offset: { line, column } }),
    }),
  )
  return undefined
}

/** Asks the checker about a type by using the expression as only some types can be used. */
function problemOf(
  environment: CelEnvironment,
  source: string,
  result: ExpressionResult,
): { readonly message: string; readonly hint: string } | undefined {
  // A comment at the end reaches to the end of its line.
  const fits = (usage: string) => environment.compile(`(${source}\n)${usage}`).ok
  if (result === 'condition' && fits(' + 1'))
    return { message: 'may be something else than true or false', hint: 'compare it with something, such as == true' }
  if (result === 'texts' && !fits('.startsWith("")') && !fits(' + [""]'))
    return { message: 'is neither text nor a list of texts', hint: 'give a string or a list of strings' }
  return undefined
}
