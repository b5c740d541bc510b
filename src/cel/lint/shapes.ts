import type { Expr } from '../syntax/ast.js'
import { formatLiteral } from '../syntax/format-literal.js'
import { children, walkUp } from '../syntax/walk.js'

/** Numbers for what nodes look like: equal for nodes that are written alike, wherever they stand. Made in linear time. */
export class Shapes {
  readonly #numbers = new Map<string, number>()
  readonly #byId = new Map<number, number>()

  constructor(expr: Expr) {
    walkUp(expr, node => {
      const parts = children(node).map(child => this.of(child))
      this.#byId.set(node.id, this.#numberOf(`${labelOf(node)} ${parts.join(' ')}`))
    })
  }

  of(node: Expr): number {
    return this.#byId.get(node.id) ?? -1
  }

  /** The shape that the node would have with another operator. */
  withOperator(node: Expr, operator: string): number {
    const parts = children(node).map(child => this.of(child))
    return this.#numberOf(`${JSON.stringify(['call', operator, false])} ${parts.join(' ')}`)
  }

  #numberOf(key: string): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size
    this.#numbers.set(key, number)
    return number
  }
}

/** All of a node but its children. */
function labelOf(node: Expr): string {
  switch (node.kind) {
    case 'literal':
      return JSON.stringify(['literal', node.literal.type, formatLiteral(node.literal)])
    case 'ident':
      return JSON.stringify(['ident', node.name, node.root])
    case 'select':
      return JSON.stringify(['select', node.field, node.test, node.optional])
    case 'call':
      return JSON.stringify(['call', node.name, node.target !== undefined])
    case 'list':
      return JSON.stringify(['list', node.elements.map(element => element.optional)])
    case 'map':
      return JSON.stringify(['map', node.entries.map(entry => entry.optional)])
    case 'message':
      return JSON.stringify(['message', node.type, node.fields.map(field => [field.name, field.optional])])
    case 'comprehension':
      return JSON.stringify(['macro', node.macro, node.variables, node.filter !== undefined])
    case 'bind':
      return JSON.stringify(['bind', node.variable])
    case 'optional_map':
      return JSON.stringify(['optional', node.flat, node.variable])
  }
}
