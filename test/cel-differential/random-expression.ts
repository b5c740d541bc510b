import type { Random } from '../fuzz/random.js'
import {
  dynamicPaths,
  forms,
  generalForms,
  listForms,
  literals,
  mapForms,
  optionalForms,
  ordered,
  uses,
} from './expression-forms.js'
import { variableTypes } from './variables.js'

interface Local {
  readonly name: string
  readonly type: string
}

const roots = [
  'bool',
  'bool',
  'bool',
  'int',
  'string',
  'double',
  'uint',
  'bytes',
  'list(int)',
  'list(string)',
  'list(double)',
  'map(string, int)',
  'map(int, string)',
  'optional_type(int)',
  'optional_type(list(string))',
  'dyn',
  'kubernetes.Quantity',
  'net.IP',
  'type',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  ...ordered.map(type => `list(${type})`),
]

/** An expression of any type; about one in thirty holds a part of another type than it should, and may not compile. */
export function randomExpression(random: Random): string {
  return new Generator(random, random.chance(0.03) ? 0.15 : 0).expression(random.pick(roots), 1 + random.int(4), [])
}

class Generator {
  readonly #random: Random
  readonly #mistakes: number

  constructor(random: Random, mistakes: number) {
    this.#random = random
    this.#mistakes = mistakes
  }

  expression(wanted: string, depth: number, locals: readonly Local[]): string {
    const random = this.#random
    const type = random.chance(this.#mistakes) ? random.pick(roots) : wanted
    const paths = dynamicPaths[type]
    if (paths !== undefined && random.chance(0.06)) return random.pick(paths)
    if (depth <= 0) return this.#leaf(type, locals) ?? this.#filled(type, 0, locals)
    if (random.chance(0.25)) {
      const leaf = this.#leaf(type, locals)
      if (leaf !== undefined) return leaf
    }
    return this.#filled(type, depth, locals)
  }

  #filled(type: string, depth: number, locals: readonly Local[]): string {
    const templates = formsOf(type)
    if (depth <= 0) {
      // Too deep already: the simplest way to such a value.
      const [first] = templates
      const [template] = first ?? []
      if (template !== undefined) return this.fill(template, 0, locals)
    }
    return this.fill(this.#random.pick(this.#random.pick(templates)), depth, locals)
  }

  #leaf(type: string, locals: readonly Local[]): string | undefined {
    const random = this.#random
    const near = locals.filter(local => local.type === type).map(local => local.name)
    if (near.length > 0 && random.chance(0.6)) return random.pick(near)
    const variables = variablesOf.get(type) ?? []
    const constants = literals[type] ?? []
    if (variables.length > 0 && (constants.length === 0 || random.chance(0.75))) return random.pick(variables)
    return constants.length > 0 ? random.pick(constants) : undefined
  }

  /** Fills the braces of a template one after the other; loop variables are in scope from where they are named. */
  fill(template: string, depth: number, outer: readonly Local[]): string {
    let locals = outer
    const renamed = new Map<string, string>()
    return template.replace(/\{([a-zA-Z][^{}]*)\}|\bx\b(?=[.:])/g, (whole, inside: string | undefined) => {
      if (inside === undefined) return renamed.get('x') ?? whole
      const [name, type] = inside.split(':')
      if (name !== undefined && type !== undefined && (name === 'x' || name === 'y') && !inside.includes(': ')) {
        const unique = `${name}${outer.length}`
        renamed.set(name, unique)
        locals = [...locals, { name: unique, type }]
        return unique
      }
      const use = uses[inside]
      if (use !== undefined) return this.fill(this.#random.pick(use), depth - 1, locals)
      return this.expression(inside, depth - 1, locals)
    })
  }
}

const variablesOf = new Map<string, string[]>()
for (const [name, type] of Object.entries(variableTypes)) {
  const text = literals[name] === undefined ? type : name
  variablesOf.set(text, [...(variablesOf.get(text) ?? []), name])
}
variablesOf.get('int')?.push('limit')

const known = new Map<string, readonly (readonly string[])[]>()

function formsOf(type: string): readonly (readonly string[])[] {
  const found = known.get(type)
  if (found !== undefined) return found
  const all = [...(forms[type] ?? []), ...structured(type), ...generalForms(type)]
  known.set(type, all)
  return all
}

function structured(type: string): readonly (readonly string[])[] {
  const [, outer, inner = ''] = /^(list|map|optional_type)\((.*)\)$/.exec(type) ?? []
  if (outer === 'list') return listForms(inner)
  if (outer === 'optional_type') return optionalForms(inner)
  if (outer !== 'map') return []
  const comma = inner.indexOf(', ')
  return mapForms(inner.slice(0, comma), inner.slice(comma + 2))
}
