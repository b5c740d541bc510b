import type { CallExpr, Expr } from '../syntax/ast.js'
import type { Result } from '../values/value.js'
import { type Qualifier, unknownAttribute } from './attribute.js'
import { compileChain } from './compile-chain.js'
import type { CompileSession } from './compile-session.js'
import type { Code, Frame } from './frame.js'
import { noteLazyForm } from './lazy-form.js'
import { asItIs, converted, type Part, readVariable, type Whole } from './read-attribute.js'
import type { Scope } from './scope.js'
import { hasStep, indexStep, selectStep } from './select.js'

/** A variable and the fields and indexes on it, which may be unknown as a whole. */
export function compileAttribute(
  session: CompileSession,
  name: string,
  nodes: readonly Expr[],
  scope: Scope | undefined,
): Code {
  const qualifiers: Qualifier[] = []
  for (const node of nodes) {
    const qualifier = qualifierOf(session, node, scope)
    if (qualifier === undefined) break
    qualifiers.push(qualifier)
  }
  const parts = partsOf(nodes)
  const slot = session.variableSlot(name)
  if (parts.length === qualifiers.length) {
    const read: Read = whole => {
      const known = readVariable(name, slot, parts, whole)
      return frame =>
        frame.unknowns === undefined ? known(frame) : (unknownAttribute(name, qualifiers, frame) ?? known(frame))
    }
    return compileOn(session, read, nodes.slice(parts.length), scope)
  }
  const start = readVariable(name, slot, parts, converted)
  noteLazyForm(start, () => readVariable(name, slot, parts, asItIs))
  const known = compileChain(session, start, nodes.slice(parts.length, qualifiers.length), scope)
  const code: Code = frame =>
    frame.unknowns === undefined ? known(frame) : (unknownAttribute(name, qualifiers, frame) ?? known(frame))
  return compileChain(session, code, nodes.slice(qualifiers.length), scope)
}

/** What a macro or a bind declares, and the nodes above it. */
export function compileLocal(
  session: CompileSession,
  local: Scope,
  nodes: readonly Expr[],
  scope: Scope | undefined,
): Code {
  const parts = partsOf(nodes)
  return compileOn(session, whole => local.read(parts, whole), nodes.slice(parts.length), scope)
}

type Read = <T>(whole: Whole<T>) => (frame: Frame) => Result | T

function compileOn(session: CompileSession, read: Read, nodes: readonly Expr[], scope: Scope | undefined): Code {
  const code = read(converted)
  noteLazyForm(code, () => read(asItIs))
  return compileChain(session, code, nodes, scope)
}

function qualifierOf(session: CompileSession, node: Expr, scope: Scope | undefined): Qualifier | undefined {
  if (node.kind === 'select') return { field: node.field }
  const index = isIndex(node) ? node.args[1] : undefined
  return index && { index: session.compile(index, scope) }
}

function isIndex(node: Expr): node is CallExpr {
  return node.kind === 'call' && node.target === undefined && (node.name === '_[_]' || node.name === '_[?_]')
}

/** The nodes that stand first and need no more of a map or a list than one entry: `.b`, `["b"]`, `[0]`, `has(a.b)`. */
function partsOf(nodes: readonly Expr[]): readonly Part[] {
  const parts: Part[] = []
  for (const node of nodes) {
    const part = partOf(node)
    if (part === undefined) break
    parts.push(part)
    if (part.test) break
  }
  return parts
}

function partOf(node: Expr): Part | undefined {
  if (node.kind === 'select') {
    const { field, at, test, optional } = node
    if (optional) return undefined
    return { key: field, test, step: test ? hasStep(field, at) : selectStep(field, at) }
  }
  const index = isIndex(node) && node.name === '_[_]' ? node.args[1] : undefined
  if (index?.kind !== 'literal') return undefined
  const { literal } = index
  if (literal.type === 'string') return { key: literal.value, test: false, step: indexStep(literal.value, node.at) }
  if (literal.type !== 'int' || literal.value < 0n || literal.value > mostIndex) return undefined
  return { key: Number(literal.value), test: false, step: indexStep(literal.value, node.at) }
}

/** What is beyond cannot be the index of any list. */
const mostIndex = 0xffff_ffffn
