import { type CompiledPattern, largestProgram, preparePattern } from '../library/patterns.js'
import type { CallExpr, Expr } from '../syntax/ast.js'
import { Failure } from '../values/value.js'
import { type Call, dispatcher } from './dispatch.js'
import type { Code, Slots } from './frame.js'
import type { LoadProblem } from './program.js'
import { NameResolver, type Names } from './resolve-names.js'
import type { Scope } from './scope.js'

/** State of one compilation. */
export class CompileSession {
  readonly options: Names
  readonly names: NameResolver
  readonly problems: LoadProblem[] = []
  readonly #compile: (session: CompileSession, expr: Expr, scope: Scope | undefined) => Code
  /** What was made ready for the functions that it calls, by the names that these charge for it with. */
  readonly prepared = new Set<string>()
  /** Constant patterns of this expression, and the instructions of all of them together. */
  readonly #patterns = new Set<string>()
  #instructions = 0
  readonly #variables = new Map<string, number>()
  #locals = 0

  constructor(options: Names, compile: (session: CompileSession, expr: Expr, scope: Scope | undefined) => Code) {
    this.options = options
    this.names = new NameResolver(options)
    this.#compile = compile
  }

  /** An expression that stands inside another. */
  compile(expr: Expr, scope: Scope | undefined): Code {
    return this.#compile(this, expr, scope)
  }

  /** A constant pattern. All of one expression may be as large together as one alone: each takes its time to compile. */
  preparePattern(source: string): CompiledPattern | Failure {
    const known = this.#patterns.has(source)
    if (!known && this.#instructions > largestProgram) return tooLarge
    const compiled = preparePattern(source)
    if (known || compiled instanceof Failure) return compiled
    this.#patterns.add(source)
    this.#instructions += compiled.weight
    return this.#instructions > largestProgram ? tooLarge : compiled
  }

  /** Where a variable is kept once it is read. */
  variableSlot(name: string): number {
    const slot = this.#variables.get(name) ?? this.#variables.size
    this.#variables.set(name, slot)
    return slot
  }

  /** The first of so many new slots for what a macro or a bind declares. */
  localSlots(count: number): number {
    const first = this.#locals
    this.#locals += count
    return first
  }

  slots(): Slots {
    return { variables: this.#variables.size, locals: this.#locals, prepared: this.prepared }
  }

  /** The overloads that a call means, if the checker found out. */
  overloadIds(node: Expr): readonly string[] | undefined {
    const reference = this.options.checked?.references.get(node.id)
    return reference?.kind === 'function' ? reference.overloads : undefined
  }

  dispatch(node: CallExpr, name: string, method: boolean, arity: number): Call {
    const overloads = this.options.overloads.get(name) ?? []
    return dispatcher(name, overloads, method, arity, node.at, this.overloadIds(node))
  }
}

const tooLarge = new Failure(
  'the regular expressions of this expression repeat too much together: use smaller counts in {}',
)
