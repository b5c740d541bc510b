import { getCheckingSuite, getConformanceSuite, type IncrementalTest } from '@bufbuild/cel-spec/testdata/tests.js'
import { describe, expect, it } from 'vitest'
import { parseExpression } from '../syntax/parse-expression.js'
import { type Checked, checkExpr } from './check-expr.js'
import { createDeclarations, type DeclarationSource, type DeclarationTable } from './declarations.js'
import { kubernetesDeclarations } from './kubernetes-declarations.fixture.js'
import { type OverloadDecl, parseType } from './parse-signature.js'
import { fromSpec, goNames, overloadsFromSpec, specMessages, testsOf } from './spec-types.fixture.js'
import { type Type, typeName, types } from './type.js'

/** Left out: enums and extensions of protobuf, cel.block (a form of optimizers), libraries that are not declared here. */
const files = [
  'basic',
  'bindings_ext',
  'comparisons',
  'conversions',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'macros2',
  'namespace',
  'optionals',
  'plumbing',
  'proto2',
  'proto3',
  'string',
  'string_ext',
  'timestamps',
  'type_deductions',
]

/** What the declarations of the tests or ours cannot say: enums, extensions, messages of values. */
const notDeclared =
  /google\.protobuf\.\w+\{|\.reverse\(|NestedEnum|GlobalEnum|(?:Int32|Int64|UInt32|UInt64|Float)Value\{|single_any|Extension|proto[23]\.\w+_/

/** cel-go's own tests use older names for the same messages. */
const renamed = (text: string) => text.replace(/google\.expr\.(proto[23])\.test/g, 'cel.expr.conformance.$1')

/** Tests of cel-go that need literals of protobuf's own messages, enums, sets, or a check without numbers across types. */
const otherEnvironment =
  /google\.protobuf\.(?:Any|BoolValue|Timestamp)\{|\bset\(|^1 [<>]=? 1\.0|NestedEnum|nestedgroup|^test\.|NotAMessage|^x\.single_int32 != null/

interface More {
  readonly variables: readonly (readonly [string, Type])[]
  readonly own: DeclarationTable
}

function check(test: IncrementalTest, more?: More): Checked | undefined {
  const { expr, typeEnv, container } = test.original
  const parsed = parseExpression(expr)
  if (!parsed.ok) return undefined
  const variables = new Map<string, Type>(more?.variables)
  const functions = new Map<string, readonly OverloadDecl[]>([
    ...kubernetesDeclarations.functions,
    ...(more?.own.functions ?? []),
  ])
  for (const { name, declKind } of typeEnv) {
    const type = declKind.case === 'ident' ? fromSpec(declKind.value.type) : undefined
    if (type !== undefined) variables.set(name, type)
    const overloads = declKind.case === 'function' ? overloadsFromSpec(name, declKind.value) : undefined
    if (overloads !== undefined) functions.set(name, overloads)
  }
  return checkExpr(parsed.expr, {
    variables,
    functions: { ...kubernetesDeclarations, functions },
    container,
    homogeneousLiterals: false,
    messages: specMessages,
  })
}

const foundBy = (checked: Checked) => goNames(checked.ok ? typeName(checked.type) : (checked.errors[0]?.message ?? ''))

/** What cel-go says of the test in its own words; undefined if it does not know the syntax or a macro. */
function expectedError({ error }: IncrementalTest): string | undefined {
  const message = /^ERROR: <input>:\d+:\d+: (.*)/.exec(error ?? '')?.[1]
  return message === undefined || /'(exists|all|existsOne|transform\w+|bind)'/.test(message) ? undefined : message
}

describe('types and errors of the conformance suite', () => {
  const suites = getConformanceSuite().suites.filter(suite => files.includes(suite.name))
  const tests = suites.flatMap(suite =>
    testsOf(suite)
      .filter(test => !test.original.disableCheck && !notDeclared.test(test.original.expr))
      .map(test => [suite.name, test] as const),
  )

  // In type_deductions cel-go and the suite differ; the suite is right, and test/cel-conformance compares with it.
  it.each(files.filter(file => file !== 'type_deductions'))('cel-go agrees on %s', file => {
    const differences: string[] = []
    let passed = 0
    for (const [name, test] of tests) {
      if (name !== file) continue
      const checked = check(test)
      if (checked === undefined) continue
      const found = foundBy(checked)
      const expected = goNames(expectedError(test) ?? test.type ?? (checked.ok ? found : 'any type'))
      if (found === expected) passed++
      else differences.push(`${test.original.expr}: expected ${expected}, found ${found}`)
    }
    expect(differences).toEqual([])
    expect(passed).toBeGreaterThan(0)
  })
})

describe('the tests of the checker of cel-go', () => {
  const declared: DeclarationSource['functions'] = [
    { id: 'fg_s_0', signature: 'fg_s() -> string' },
    { id: 'fi_s_s_0', signature: 'string.fi_s_s() -> string' },
  ]
  const own = createDeclarations([{ name: 'test', functions: declared }])
  const variables = Object.entries({
    is: 'string',
    ii: 'int',
    iu: 'uint',
    iz: 'bool',
    id: 'double',
    ix: 'null_type',
    ib: 'bytes',
  }).map(([name, type]) => [name, parseType(type) ?? types.error] as const)

  it('agrees', () => {
    const differences: string[] = []
    let passed = 0
    for (const test of testsOf(getCheckingSuite())) {
      const { original } = test
      if (otherEnvironment.test(original.expr)) continue
      const container = renamed(original.container)
      const checked = check(
        { ...test, original: { ...original, container, expr: renamed(original.expr) } },
        { variables, own },
      )
      const error = expectedError(test)
      if (checked === undefined || (test.type === undefined && error === undefined)) continue
      const found = foundBy(checked)
      const expected = renamed(goNames(error ?? test.type ?? ''))
      if (found === expected) passed++
      else differences.push(`${original.expr}: expected ${expected}, found ${found}`)
    }
    expect(differences).toEqual([])
    expect(passed).toBe(106)
  })
})
