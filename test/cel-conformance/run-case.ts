import { compileExpr } from '../../src/cel/evaluate/compile-expr.js'
import { encoders } from '../../src/cel/library/encoders.js'
import type { FunctionOverload, Library } from '../../src/cel/library/library.js'
import { lists } from '../../src/cel/library/lists.js'
import { math } from '../../src/cel/library/math.js'
import { optionals } from '../../src/cel/library/optionals.js'
import { specStandard } from '../../src/cel/library/standard.js'
import { strings } from '../../src/cel/library/strings.js'
import type { Expr } from '../../src/cel/syntax/ast.js'
import { parseExpression } from '../../src/cel/syntax/parse-expression.js'
import { type Checked, checkExpr } from '../../src/cel/types/check-expr.js'
import { createDeclarations } from '../../src/cel/types/declarations.js'
import { type OverloadDecl, parseSignature } from '../../src/cel/types/parse-signature.js'
import { fromSpec, overloadsFromSpec, specMessages } from '../../src/cel/types/spec-types.fixture.js'
import { optionalOperators, standardOperators } from '../../src/cel/types/standard-operators.js'
import { type Type, typeName, types } from '../../src/cel/types/type.js'
import type { Value } from '../../src/cel/values/value.js'
import { expandBlock, nameIndexes } from './expand-blocks.js'
import type { SpecTest } from './spec-case.js'
import { specValue } from './spec-value.js'

/** What came of a case; `type` is what the checker deduced. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: Value; readonly type: string | undefined }
  | { readonly kind: 'checked'; readonly type: string }
  | { readonly kind: 'error'; readonly stage: 'parse' | 'check' | 'run'; readonly message: string }

/** What the suite speaks of: the standard, and extensions of cel-go that its files are named after. */
const libraries: readonly Library[] = [specStandard, optionals, strings, lists, math, encoders]
const declarations = createDeclarations([standardOperators, optionalOperators, ...libraries])
const overloads = overloadsByName(libraries)

function overloadsByName(all: readonly Library[]): ReadonlyMap<string, readonly FunctionOverload[]> {
  const byName = new Map<string, FunctionOverload[]>()
  for (const overload of all.flatMap(library => library.functions)) {
    const { name } = parseSignature(overload.id, overload.signature)
    byName.set(name, [...(byName.get(name) ?? []), overload])
  }
  return byName
}

/** Whether the standard or a library has a function, by the name that messages give it: `math.ceil`, `string.charAt`. */
export function isKnownFunction(name: string): boolean {
  return declarations.functions.has(name) || declarations.functions.has(name.slice(name.lastIndexOf('.') + 1))
}

/** The tree of a case, or why there is none. The limits are those of the product, which no case of the suite exceeds. */
export function parseCase({ expr }: SpecTest): { ok: true; expr: Expr } | { ok: false; message: string } {
  const parsed = parseExpression(nameIndexes(expr))
  return parsed.ok
    ? { ok: true, expr: expandBlock(parsed.expr, parsed.nodes) }
    : { ok: false, message: parsed.errors[0]?.message ?? '' }
}

/** Parses, checks unless the case asks not to, and evaluates unless it asks for the type only. */
export function runCase(test: SpecTest): Outcome {
  const parsed = parseCase(test)
  if (!parsed.ok) return { kind: 'error', stage: 'parse', message: parsed.message }
  const bindings = bindingsOf(test)
  const checked = test.disableCheck ? undefined : checkCase(parsed.expr, test)
  if (checked?.ok === false) return { kind: 'error', stage: 'check', message: checked.errors[0]?.message ?? '' }
  const type = checked && typeName(checked.type)
  if (test.checkOnly && type !== undefined) return { kind: 'checked', type }
  const program = compileExpr(parsed.expr, {
    overloads,
    variables: new Set([...bindings.keys(), ...test.typeEnv.map(({ name }) => name)]),
    container: test.container,
    ...(checked && { checked }),
  })
  const result = program.evaluate(name => bindings.get(name))
  return result.ok
    ? { kind: 'value', value: result.value, type }
    : { kind: 'error', stage: 'run', message: result.error.message }
}

function checkCase(expr: Expr, test: SpecTest): Checked {
  const variables = new Map<string, Type>(Object.keys(test.bindings).map(name => [name, types.dyn]))
  const functions = new Map<string, readonly OverloadDecl[]>(declarations.functions)
  for (const { name, declKind } of test.typeEnv) {
    const type = declKind.case === 'ident' ? fromSpec(declKind.value.type) : undefined
    if (type !== undefined) variables.set(name, type)
    const declared = declKind.case === 'function' ? overloadsFromSpec(name, declKind.value) : undefined
    if (declared !== undefined) functions.set(name, [...(functions.get(name) ?? []), ...declared])
  }
  return checkExpr(expr, {
    variables,
    functions: { ...declarations, functions },
    container: test.container,
    homogeneousLiterals: false,
    messages: specMessages,
  })
}

function bindingsOf({ bindings }: SpecTest): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>()
  for (const [name, { kind }] of Object.entries(bindings)) {
    const value = kind.case === 'value' ? specValue(kind.value) : undefined
    if (value !== undefined) values.set(name, value)
  }
  return values
}
