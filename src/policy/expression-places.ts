import type { CelEnvironment } from '../cel/environment.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { claimsEnvironment, kubernetesClaimsEnvironment, userEnvironment } from '../identity/expressions.js'
import { rolesEnvironment } from '../identity/role-mapper.js'
import { policyEnvironment, quietEnvironment } from './expression-environment.js'
import { isAboutResults } from './result-guardrail.js'
import { resultEnvironment } from './result-guardrail-environment.js'

/** An expression of a document. */
export interface PlacedExpression {
  readonly path: readonly PathSegment[]
  readonly source: string
  readonly environment: CelEnvironment
  readonly result: 'bool' | 'string' | 'dyn'
}

/** Where expressions stand in documents of a kind: field by field, `*` for each item of a list. */
interface Form {
  readonly path: readonly string[]
  readonly result: PlacedExpression['result']
  readonly environment: CelEnvironment
}

const form =
  (environment: CelEnvironment) =>
  (path: string, result: Form['result']): Form => ({ path: path.split('.'), result, environment })
const policy = form(policyEnvironment)
const quiet = form(quietEnvironment)
const result = form(resultEnvironment)
const claims = form(claimsEnvironment)
const kubernetesClaims = form(kubernetesClaimsEnvironment)
const user = form(userEnvironment)
const roles = form(rolesEnvironment)

const shared: readonly Form[] = [
  policy('spec.variables.*.expression', 'dyn'),
  policy('spec.matchConditions.*.expression', 'bool'),
]

const forms: ReadonlyMap<string, readonly Form[]> = new Map([
  ['Grant', shared],
  [
    'Guardrail',
    [
      ...shared,
      policy('spec.validations.*.expression', 'bool'),
      quiet('spec.validations.*.messageExpression', 'string'),
    ],
  ],
  [
    'Enrichment',
    [
      quiet('spec.variables.*.expression', 'dyn'),
      quiet('spec.matchConditions.*.expression', 'bool'),
      quiet('spec.requestHeaders.*.valueExpression', 'string'),
      quiet('spec.resultContext.*.expression', 'string'),
      quiet('spec.record.*.valueExpression', 'string'),
    ],
  ],
  ['Identity', [claims('spec.agent', 'string'), claims('spec.tenant', 'dyn'), roles('spec.roleMapper', 'dyn')]],
  [
    'AuthenticationConfiguration',
    [
      kubernetesClaims('jwt.*.claimValidationRules.*.expression', 'bool'),
      kubernetesClaims('jwt.*.claimMappings.username.expression', 'string'),
      kubernetesClaims('jwt.*.claimMappings.groups.expression', 'dyn'),
      kubernetesClaims('jwt.*.claimMappings.uid.expression', 'string'),
      kubernetesClaims('jwt.*.claimMappings.extra.*.valueExpression', 'dyn'),
      user('jwt.*.userValidationRules.*.expression', 'bool'),
    ],
  ],
])

const aboutResults: readonly Form[] = [
  result('spec.variables.*.expression', 'dyn'),
  result('spec.matchConditions.*.expression', 'bool'),
  result('spec.validations.*.expression', 'bool'),
  result('spec.validations.*.messageExpression', 'string'),
]

function formsOf(document: SourceDocument): readonly Form[] {
  if (document.kind === 'Guardrail' && isAboutResults(document)) return aboutResults
  return forms.get(document.kind) ?? []
}

/** Every expression of a document, for tools that look at them one by one. What is no text is passed over. */
export function expressionsOf(document: SourceDocument): readonly PlacedExpression[] {
  return formsOf(document).flatMap(({ path, environment, result }) =>
    placesOf(document, path).flatMap(place => {
      const source = valueAt(document.value, place)
      return typeof source === 'string' && source !== '' ? [{ path: place, source, environment, result }] : []
    }),
  )
}

function placesOf({ value }: SourceDocument, path: readonly string[]): readonly (readonly PathSegment[])[] {
  let places: readonly (readonly PathSegment[])[] = [[]]
  for (const segment of path) {
    places = places.flatMap(place => {
      if (segment !== '*') return [[...place, segment]]
      const list = valueAt(value, place)
      return Array.isArray(list) ? list.map((_, index) => [...place, index]) : []
    })
  }
  return places
}
