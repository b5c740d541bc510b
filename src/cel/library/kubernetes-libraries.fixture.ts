import { compileExpr } from '../evaluate/compile-expr.js'
import type { Evaluated } from '../evaluate/program.js'
import { overloadsOf } from '../evaluate/run-source.fixture.js'
import { parseExpression } from '../syntax/parse-expression.js'
import type { Value } from '../values/value.js'
import type { AuthorizationDecision, AuthorizationRequest, AuthorizerHost } from './authorization.js'
import { authzLibrary, authzSelectorsLibrary } from './authz.js'
import { Authorizer } from './authz-values.js'
import { cidrLibrary } from './cidr.js'
import { formatLibrary } from './format.js'
import { ipLibrary } from './ip.js'
import { jsonPatchLibrary } from './jsonpatch.js'
import type { Library } from './library.js'
import { optionals } from './optionals.js'
import { quantityLibrary } from './quantity.js'
import { semverLibrary } from './semver.js'
import { standard } from './standard.js'
import { urlLibrary } from './url.js'

export const kubernetesLibraries: readonly Library[] = [
  quantityLibrary,
  ipLibrary,
  cidrLibrary,
  urlLibrary,
  semverLibrary,
  formatLibrary,
  jsonPatchLibrary,
  authzLibrary,
  authzSelectorsLibrary,
]

const overloads = overloadsOf([standard, optionals, ...kubernetesLibraries])

export type Variables = Readonly<Record<string, Value>>

export interface RunOptions {
  readonly host?: AuthorizerHost
  readonly variables?: Variables
  readonly budget?: number
}

/** Runs an expression with the Kubernetes libraries; without a checker. */
export function run(source: string, { host = echo, variables = {}, budget }: RunOptions = {}): Evaluated {
  const values: Variables = { authorizer: new Authorizer(host), ...variables }
  const parsed = parseExpression(source, {
    limits: { bytes: 10_000_000, nodes: 1_000_000 },
    macros: { optionals: true, bind: true, twoVariable: true },
  })
  if (!parsed.ok) throw new Error(`${source.slice(0, 200)}: ${parsed.errors[0]?.message}`)
  const program = compileExpr(parsed.expr, { overloads, variables: new Set(Object.keys(values)) })
  return program.evaluate(name => values[name], budget)
}

/** The value, or `error`. */
export function valueOrError(source: string, options?: RunOptions): unknown {
  const result = run(source, options)
  return result.ok ? result.value : 'error'
}

/** What an expression costs if its texts are not constants, which are worked out once; undefined if it fails. */
export function costOf(source: string): number | undefined {
  const variables: Record<string, Value> = {}
  const count = (): number => Object.keys(variables).length
  const general = source.replace(/"(?:[^"\\]|\\.)*"/g, literal => {
    const name = `v${count()}`
    const value = run(literal)
    variables[name] = value.ok ? value.value : null
    return name
  })
  const result = run(general, { variables })
  return result.ok && count() > 0 ? result.cost - count() : undefined
}

/** Answers with all that it is asked, as the authorizer of test/cel-go does. */
export const echo: AuthorizerHost = {
  check(request): AuthorizationDecision {
    const { verb } = request
    return {
      allowed: !['deny', 'fail', 'skip'].includes(verb),
      reason: describeRequest(request),
      error: verb === 'fail' ? 'no answer' : undefined,
    }
  },
}

function describeRequest(request: AuthorizationRequest): string {
  const user = request.user === 'caller' ? { name: 'caller', groups: ['callers'] } : request.user
  const asked = [`user=${user.name}`, `groups=${user.groups.join('+')}`, `verb=${request.verb}`]
  if (request.kind === 'path') return [...asked, `path=${request.path}`].join('; ')
  const { group, resource, subresource, namespace, name, fieldSelector, labelSelector } = request
  return [
    ...asked,
    `group=${group}; version=*; resource=${resource}; subresource=${subresource}; namespace=${namespace}; name=${name}`,
    ...(fieldSelector ?? []).map(({ field, operator, value }) => `field=${field} ${operator} ${value}`),
    ...(labelSelector ?? []).map(({ key, operator, values }) => `label=${key} ${operator} [${values.join(' ')}]`),
  ].join('; ')
}
