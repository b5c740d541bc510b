import { createCelEnvironment } from '../../src/cel/create-environment.js'
import type { Compiled } from '../../src/cel/environment.js'
import { formatExpression } from '../../src/cel/syntax/format-expression.js'
import { parseExpression } from '../../src/cel/syntax/parse-expression.js'

/** What is put to the test. A wrong one in place of ours shows that the fuzzer can tell. */
export interface Engine {
  readonly parse: typeof parseExpression
  readonly format: typeof formatExpression
  readonly compile: (source: string, result?: 'bool' | 'string' | 'dyn') => Compiled
}

/** The variables of all expressions, of every type that an input can have. */
export const variables = {
  flag: 'bool',
  count: 'int',
  total: 'uint',
  ratio: 'double',
  name: 'string',
  when: 'google.protobuf.Timestamp',
  numbers: 'list(int)',
  names: 'list(string)',
  labels: 'map(string, string)',
  args: 'map',
  items: 'list',
  anything: 'dyn',
} as const
export type Variable = keyof typeof variables
export const variableNames: readonly Variable[] = Object.keys(variables).filter(
  (name): name is Variable => name in variables,
)

const environment = createCelEnvironment(variables)

export const ours: Engine = {
  parse: parseExpression,
  format: formatExpression,
  compile: (source, result) => environment.compile(source, result),
}
