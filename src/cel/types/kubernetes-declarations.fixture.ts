import { readFileSync } from 'node:fs'
import { createDeclarations, type DeclarationSource, type DeclarationTable } from './declarations.js'
import { optionalOperators, standardOperators } from './standard-operators.js'

export interface FunctionRow {
  readonly name: string
  readonly id: string
  readonly signature: string
}

/** The functions of Kubernetes 1.36, but for what is no function in source: older names of `in`, parts of macros, `.?`. */
const notInSource = /^(_in_|in|@not_strictly_false|__not_strictly_false__|_\?\._)$/

export const functionRows: readonly FunctionRow[] = readFileSync(
  new URL('../testdata/kubernetes-functions.tsv', import.meta.url),
  'utf8',
)
  .split('\n')
  .map(line => line.split('\t'))
  .flatMap(([name, id, signature]) =>
    name !== undefined && id !== undefined && signature !== undefined ? [{ name, id, signature }] : [],
  )
  .filter(row => !notInSource.test(row.name))

const operatorIds = new Set([...standardOperators.functions, ...optionalOperators.functions].map(({ id }) => id))
const opaque = /\b(?:net|kubernetes(?:\.authorization)?)\.[A-Z][A-Za-z]*/g

const libraries: DeclarationSource = {
  name: 'kubernetes',
  types: [...new Set(functionRows.flatMap(row => row.signature.match(opaque) ?? []))],
  functions: functionRows.filter(row => !operatorIds.has(row.id)),
}

export const kubernetesDeclarations: DeclarationTable = createDeclarations([
  standardOperators,
  optionalOperators,
  libraries,
])
