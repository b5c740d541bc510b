import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js'
import type { Expr } from '../../src/cel/syntax/ast.js'
import { walk } from '../../src/cel/syntax/walk.js'
import { parseCase } from './run-case.js'
import type { SpecTest, SpecValue } from './spec-case.js'
import { specValue } from './spec-value.js'

/** Why a case is left out: what of protobuf it needs to be evaluated. There is no other reason. */
export const exclusionReasons = [
  'makes a protobuf message',
  'names a protobuf message',
  'names a protobuf enum',
  'reads an extension field of protobuf',
  'declares a variable that is a protobuf message',
  'is given a protobuf message',
  'results in a protobuf message or enum',
] as const
export type ExclusionReason = (typeof exclusionReasons)[number]

/** A reason and the very thing: the name of the message, the variable. */
export interface Exclusion {
  readonly reason: ExclusionReason
  readonly needs: string
}

const registry = getTestRegistry()
/** Messages of protobuf that CEL has values for, and so do we. */
const times: ReadonlySet<string> = new Set(['google.protobuf.Timestamp', 'google.protobuf.Duration'])

/**
 * What a case needs of protobuf, which this engine does not speak: found in the tree of its expression (a name counts only
 * if it resolves to a message or enum of the suite's own definitions), in its declarations, inputs and result. A case that
 * only asks for a type needs nothing: the checker knows object types with fields.
 */
export function protobufNeed(test: SpecTest): Exclusion | undefined {
  if (test.checkOnly || matchesTypeOnly(test)) return undefined
  const parsed = parseCase(test)
  return (parsed.ok ? needOfTree(parsed.expr, test) : undefined) ?? needOfValues(test)
}

function matchesTypeOnly({ resultMatcher }: SpecTest): boolean {
  return resultMatcher.case === 'typedResult' && resultMatcher.value.result === undefined
}

function needOfTree(expr: Expr, { container }: SpecTest): Exclusion | undefined {
  let need: Exclusion | undefined
  walk(expr, node => {
    need ??= needOfNode(node, container)
  })
  return need
}

function needOfNode(node: Expr, container: string): Exclusion | undefined {
  switch (node.kind) {
    case 'message': {
      const name = candidates(node.type, container).find(isMessage)
      return name === undefined ? undefined : { reason: 'makes a protobuf message', needs: name }
    }
    case 'call': {
      const { name, target, args } = node
      const names = ['getExt', 'hasExt']
      if (target?.kind === 'ident' && target.name === 'proto' && args.length === 2 && names.includes(name)) {
        return { reason: 'reads an extension field of protobuf', needs: `proto.${name}` }
      }
      // `NestedEnum(1)` converts to the enum.
      const called = target === undefined ? name : (dotted(target) ?? '').concat('.', name)
      return needOfName(called, container)
    }
    case 'ident':
    case 'select': {
      const name = dotted(node)
      return name === undefined ? undefined : needOfName(name, container)
    }
    default:
      return undefined
  }
}

function needOfName(name: string, container: string): Exclusion | undefined {
  for (const candidate of candidates(name, container)) {
    if (isMessage(candidate)) return { reason: 'names a protobuf message', needs: candidate }
    const parent = candidate.slice(0, candidate.lastIndexOf('.'))
    const holder = registry.getEnum(candidate) ?? registry.getEnum(parent)
    if (holder !== undefined) return { reason: 'names a protobuf enum', needs: holder.typeName }
  }
  return undefined
}

function needOfValues({ typeEnv, bindings, resultMatcher }: SpecTest): Exclusion | undefined {
  for (const { name, declKind } of typeEnv) {
    const kind = declKind.case === 'ident' ? declKind.value.type?.typeKind : undefined
    if (kind?.case === 'messageType' && isMessage(kind.value) && !isWellKnown(kind.value)) {
      return { reason: 'declares a variable that is a protobuf message', needs: `${name}: ${kind.value}` }
    }
  }
  for (const [name, { kind }] of Object.entries(bindings)) {
    const object = kind.case === 'value' ? objectIn(kind.value) : undefined
    if (object !== undefined) return { reason: 'is given a protobuf message', needs: `${name}: ${object}` }
  }
  const result =
    resultMatcher.case === 'value'
      ? resultMatcher.value
      : resultMatcher.case === 'typedResult'
        ? resultMatcher.value.result
        : undefined
  const object = result && objectIn(result)
  return object === undefined ? undefined : { reason: 'results in a protobuf message or enum', needs: object }
}

/** The type of the first message or enum in a value that is none of ours. */
function objectIn(value: SpecValue): string | undefined {
  const { kind } = value
  if (specValue(value) !== undefined) return undefined
  switch (kind.case) {
    case 'objectValue':
      return kind.value.typeUrl.replace(/^.*\//, '')
    case 'enumValue':
      return kind.value.type
    case 'listValue':
      return kind.value.values.map(objectIn).find(name => name !== undefined)
    case 'mapValue':
      return kind.value.entries
        .flatMap(entry => [entry.key, entry.value])
        .map(part => part && objectIn(part))
        .find(name => name !== undefined)
    default:
      return undefined
  }
}

/** Variables of these types hold values of CEL (wrappers, JSON); `Any` holds a message. */
function isWellKnown(name: string): boolean {
  return name.startsWith('google.protobuf.') && name !== 'google.protobuf.Any'
}

function isMessage(name: string): boolean {
  return registry.getMessage(name) !== undefined && !times.has(name)
}

/** The names that a name may mean in a container, inner ones first (cel-spec langdef.md "Name Resolution"). */
function candidates(name: string, container: string): readonly string[] {
  if (name.startsWith('.') || container === '') return [name.replace(/^\./, '')]
  const parts = container.split('.')
  return [...parts.map((_, i) => [...parts.slice(0, parts.length - i), name].join('.')), name]
}

function dotted(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return (expr.root ? '.' : '') + expr.name
  if (expr.kind !== 'select' || expr.test || expr.optional) return undefined
  const operand = dotted(expr.operand)
  return operand && `${operand}.${expr.field}`
}
