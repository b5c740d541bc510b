import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseExpression } from '../syntax/parse-expression.js'
import { checkExpr } from './check-expr.js'
import { kubernetesDeclarations } from './kubernetes-declarations.fixture.js'
import { goNames } from './spec-types.fixture.js'
import { type Type, typeName, types } from './type.js'

const variables = new Map<string, Type>([
  ['user', types.map(types.string, types.dyn)],
  ['name', types.string],
  ['count', types.int],
  ['big', types.uint],
  ['ratio', types.double],
  ['groups', types.list(types.string)],
  ['labels', types.map(types.string, types.string)],
  ['args', types.dyn],
  ['maybe', types.optional(types.map(types.string, types.int))],
  ['at', types.timestamp],
  ['limit', { kind: 'wrapper', of: 'int' }],
  ['authorizer', types.opaque('kubernetes.authorization.Authorizer')],
  ['authorizer.requestResource', types.opaque('kubernetes.authorization.ResourceCheck')],
])

const cases = readFileSync(new URL('./checked-by-cel-go.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => line.split('\t'))

function check(source: string): string {
  const parsed = parseExpression(source)
  if (!parsed.ok) return 'does not parse'
  const checked = checkExpr(parsed.expr, { variables, functions: kubernetesDeclarations, homogeneousLiterals: true })
  return goNames(checked.ok ? typeName(checked.type) : `! ${checked.errors[0]?.message}`)
}

describe('the checker in the environment of Kubernetes', () => {
  it('agrees with cel-go on types and errors', () => {
    const differences = cases.filter(([expected, source]) => check(source ?? '') !== expected)
    expect(differences).toEqual([])
    expect(cases).toHaveLength(1000)
  })
})
