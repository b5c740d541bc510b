/**
 * What a tool's published `inputSchema` says about the names of its arguments, at every level, and about the headers that
 * mirror them (`x-mcp-header`, specification 2026-07-28). Everything else in the schema is the server's business.
 */
export interface ArgumentShape {
  /** Members that the schema names at this level, with what it says about them. */
  readonly members: ReadonlyMap<string, ArgumentShape>
  /** Elements of a list, and members without a name of their own. */
  readonly others: readonly ArgumentShape[]
  /** What also applies, or may apply, to the same value; may lead back here. */
  readonly also: readonly ArgumentShape[]
}

export type ParameterType = 'string' | 'integer' | 'boolean'

export interface ParameterHeader {
  /** Lower-case name of the header, `mcp-param-…`. */
  readonly header: string
  readonly path: readonly string[]
  readonly type: ParameterType
}

export interface InputSchema {
  readonly shape: ArgumentShape
  readonly headers: readonly ParameterHeader[]
}

export type InputSchemaResult =
  | { readonly ok: true; readonly schema: InputSchema }
  | { readonly ok: false; readonly message: string }

const maxDepth = 32
const maxNodes = 1000
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/

/** Compiles the JSON Schema of a tool's arguments. `$ref` may point into the schema's own `$defs` or `definitions`. */
export function compileInputSchema(schema: Readonly<Record<string, unknown>>): InputSchemaResult {
  const compiler = new SchemaCompiler(schema)
  const shape = compiler.shapeOf(schema, 0)
  const headers = compiler.headersOf(schema, [])
  compiler.refuseSharedHeaders(headers)
  return compiler.problem === undefined
    ? { ok: true, schema: { shape, headers } }
    : { ok: false, message: compiler.problem }
}

type Schema = Readonly<Record<string, unknown>>

class SchemaCompiler {
  problem: string | undefined
  readonly #root: Schema
  readonly #shapes = new Map<Schema, ArgumentShape>()
  #nodes = 0

  constructor(root: Schema) {
    this.#root = root
  }

  shapeOf(schema: unknown, depth: number): ArgumentShape {
    if (!isSchema(schema)) return nothing
    const known = this.#shapes.get(schema)
    if (known !== undefined) return known
    if (depth > maxDepth || ++this.#nodes > maxNodes) {
      this.problem ??= `the schema is nested more than ${maxDepth} deep or has more than ${maxNodes} parts`
      return nothing
    }
    const members = new Map<string, ArgumentShape>()
    const others: ArgumentShape[] = []
    const also: ArgumentShape[] = []
    const shape: ArgumentShape = { members, others, also }
    // Before its parts, which may refer back to it.
    this.#shapes.set(schema, shape)
    for (const [name, member] of Object.entries(objectAt(schema, 'properties'))) {
      members.set(name, this.shapeOf(member, depth + 1))
    }
    for (const keyword of ['items', 'additionalProperties', 'contains', 'unevaluatedProperties', 'unevaluatedItems']) {
      if (isSchema(schema[keyword])) others.push(this.shapeOf(schema[keyword], depth + 1))
    }
    for (const pattern of Object.values(objectAt(schema, 'patternProperties'))) {
      others.push(this.shapeOf(pattern, depth + 1))
    }
    for (const item of listAt(schema, 'prefixItems')) others.push(this.shapeOf(item, depth + 1))
    for (const part of this.#alternatives(schema)) if (isSchema(part)) also.push(this.shapeOf(part, depth + 1))
    return shape
  }

  /** Headers are declared on what is reached through `properties` alone. */
  headersOf(schema: unknown, path: readonly string[]): readonly ParameterHeader[] {
    if (!isSchema(schema) || path.length > maxDepth) return []
    return Object.entries(objectAt(schema, 'properties')).flatMap(([name, member]) => {
      if (!isSchema(member)) return []
      const here = [...path, name]
      const header = member['x-mcp-header']
      if (header === undefined) return this.headersOf(member, here)
      const { type } = member
      if (typeof header !== 'string' || !token.test(header)) {
        this.problem ??= `the x-mcp-header of "${here.join('.')}" is not the end of a header name`
      } else if (type === 'string' || type === 'integer' || type === 'boolean') {
        return [{ header: `mcp-param-${header.toLowerCase()}`, path: here, type }]
      } else
        this.problem ??= `"${here.join('.')}" has an x-mcp-header, and so must be a string, an integer or a boolean`
      return []
    })
  }

  /** Which of two arguments a header repeats could not be told (specification 2026-07-28: names are unique). */
  refuseSharedHeaders(headers: readonly ParameterHeader[]): void {
    const names = new Set(headers.map(({ header }) => header))
    if (names.size < headers.length) this.problem ??= 'two arguments have the same x-mcp-header'
  }

  *#alternatives(schema: Schema): Iterable<unknown> {
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) yield* listAt(schema, keyword)
    for (const keyword of ['if', 'then', 'else']) yield schema[keyword]
    for (const keyword of ['dependentSchemas', 'dependencies']) yield* Object.values(objectAt(schema, keyword))
    const reference = schema.$ref
    if (typeof reference === 'string') yield this.#resolve(reference)
    for (const keyword of ['$dynamicRef', '$recursiveRef']) {
      if (schema[keyword] !== undefined) this.problem ??= `${keyword} is not followed here; write $ref`
    }
  }

  #resolve(reference: string): unknown {
    if (reference === '#') return this.#root
    const [, keyword, name] = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference) ?? []
    const target = keyword === undefined || name === undefined ? undefined : objectAt(this.#root, keyword)[name]
    if (target === undefined) this.problem ??= `the reference "${reference}" leads nowhere in the schema`
    return target
  }
}

const nothing: ArgumentShape = { members: new Map(), others: [], also: [] }

/** Every shape that applies to a value to which these apply, each once. */
export function withAlternatives(shapes: Iterable<ArgumentShape>): ReadonlySet<ArgumentShape> {
  const all = new Set(shapes)
  // What is added while the set is walked is walked as well.
  for (const shape of all) for (const other of shape.also) all.add(other)
  return all
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectAt(schema: Schema, keyword: string): Schema {
  const value = schema[keyword]
  return isSchema(value) ? value : {}
}

function listAt(schema: Schema, keyword: string): readonly unknown[] {
  const value = schema[keyword]
  return Array.isArray(value) ? value : []
}
